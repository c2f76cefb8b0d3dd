import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { Inbound } from './inbound.ts'

/** Connects and resets in another thread, while this one accepts nothing. */
const KNOCK = `
  const { connect } = require('node:net')
  const { port, done } = require('node:worker_threads').workerData
  const socket = connect(port, '127.0.0.1', () => socket.resetAndDestroy())
  socket.on('close', () => {
    Atomics.store(done, 0, 1)
    Atomics.notify(done, 0)
  })
`

test('waits on where somebody came who has gone before they were looked at', async () => {
  const inbound = await Inbound.open({ host: '127.0.0.1', expects: () => true })
  const { port } = inbound.address
  const done = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(KNOCK, { eval: true, workerData: { port, done } })
  Atomics.wait(done, 0, 0)
  await once(worker, 'exit')
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  const conn = await inbound.conn
  expect(conn.remote).toEqual({ host: '127.0.0.1', port: socket.localPort })
  inbound.abandon()
  socket.destroy()
})
