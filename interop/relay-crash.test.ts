import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Daemon } from './daemon.ts'
import { run } from './process.ts'
import { RELAY_MAIN, RelayServer } from './relay.ts'
import { temporaryFolder } from './sluice.ts'

// The relay dies by kill -9 under 200 circuits, and comes back. Streams say how long they are, and each octet is known.

const PAIRS = 4
const CIRCUITS = 200
const HEAD_BYTES = 4
/** Any octet of a stream is that of this row at the same place, again and again. */
const ROW = randomBytes(65_521)
const ROWS = Buffer.concat([ROW, ROW, ROW])

const folder = temporaryFolder()
let relay: RelayServer
let origin: Server
let ports: number[] = []
const daemons: Daemon[] = []

/** Asked for so many octets, sends them, and ends. */
const answer = (socket: Socket): void => {
  socket.on('error', () => {})
  socket.once('data', (head: Buffer) => {
    let left = head.readUInt32BE()
    const next = (): void => {
      while (left > 0) {
        const piece = ROW.subarray(0, left)
        left -= piece.length
        if (!socket.write(piece)) return
      }
      socket.end()
    }
    socket.on('drain', next)
    next()
  })
}

type Outcome = 'whole' | 'reset' | 'short' | 'wrong'

/** A stream of so many octets. @param onData told of each chunk */
const stream = (port: number, size: number, onData: (bytes: number) => void = () => {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeUInt32BE(size)
    socket.write(head)
    let got = 0
    socket.on('data', (chunk: Buffer) => {
      const from = got % ROW.length
      if (!chunk.equals(ROWS.subarray(from, from + chunk.length))) resolve('wrong')
      got += chunk.length
      onData(chunk.length)
    })
    socket.on('error', () => resolve('reset'))
    socket.on('end', () => {
      resolve(got === size ? 'whole' : 'short')
      socket.end()
    })
  })

const startPair = async (name: string): Promise<number> => {
  const [far, near] = [join(folder, `far-${name}`), join(folder, `near-${name}`)]
  const { stdout } = await run(process.execPath, [RELAY_MAIN, 'peer', 'id', '--json', '--data', far])
  const { id } = JSON.parse(stdout.toString()) as { id: string }
  const at = ['--relay', `tls://${relay.listener('tls')}`, '--log-level', 'warn']
  const forward = `127.0.0.1:${(origin.address() as AddressInfo).port}`
  daemons.push(await Daemon.start([RELAY_MAIN, 'peer', 'listen', ...at, '--forward', forward, '--data', far]))
  const dial = ['peer', 'dial', id, ...at, '--listen', '127.0.0.1:0', '--data', near]
  const dialler = await Daemon.start([RELAY_MAIN, ...dial])
  daemons.push(dialler)
  return Number(dialler.listener('local').split(':')[1])
}

beforeAll(async () => {
  origin = createServer({ allowHalfOpen: true }, answer).listen(0, '127.0.0.1')
  await once(origin, 'listening')
  relay = await RelayServer.start('--listen', 'tls://127.0.0.1:0', '--preset', 'private')
  ports = await Promise.all(Array.from({ length: PAIRS }, (_, at) => startPair(String(at))))
})
afterAll(async () => {
  for (const daemon of daemons) await daemon.kill('SIGKILL')
  await relay[Symbol.asyncDispose]()
  origin.close()
  rmSync(folder, { recursive: true, force: true })
})

const streams = (size: number, onData?: (bytes: number) => void): Promise<Outcome[]> =>
  Promise.all(Array.from({ length: CIRCUITS }, (_, at) => stream(ports[at % PAIRS]!, size, onData)))

/** Until a stream is whole. @returns when */
const back = async (port: number): Promise<number> => {
  while ((await stream(port, 1000)) !== 'whole') await delay(50)
  return performance.now()
}

test.each([0.1, 0.6])('killed when %d of all has gone, no stream looks done that is not', async (share) => {
  const size = 1_000_000
  let gone = 0
  const half = Promise.withResolvers<void>()
  const outcomes = streams(size, (bytes) => {
    gone += bytes
    if (gone > share * CIRCUITS * size) half.resolve()
  })
  await half.promise
  await relay.restart()
  const since = performance.now()
  const found = new Set(await outcomes)
  expect(found).toContain('reset')
  expect(found).not.toContain('short')
  expect(found).not.toContain('wrong')
  const times = await Promise.all(ports.map(back))
  expect(Math.max(...times) - since).toBeLessThan(10_000)
  expect(new Set(await streams(10_000))).toEqual(new Set(['whole']))
})
