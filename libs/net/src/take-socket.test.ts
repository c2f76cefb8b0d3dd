import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { Conn } from './conn.ts'
import { takeSocket } from './take-socket.ts'
import { Collector } from './testing/collector.ts'
import { connPair } from './testing/loopback.ts'

const conns: Conn[] = []
const open = async (): Promise<{ accepted: Conn; dialled: Conn }> => {
  const pair = await connPair()
  conns.push(pair.accepted, pair.dialled)
  return pair
}

afterEach(() => {
  for (const conn of conns.splice(0)) conn.destroy()
})

describe('takeSocket', () => {
  it('gives the socket, with what was put back in front of what follows', async () => {
    const { accepted, dialled } = await open()
    dialled.write(Buffer.from('head body'))
    const here = new Collector(accepted)
    await here.until(() => here.bytes.length === 9)
    accepted.attach(undefined)
    accepted.pause()
    accepted.unread(Buffer.from('head body'))
    dialled.write(Buffer.from(' tail'))
    dialled.end()
    const socket = takeSocket(accepted)!
    expect(socket.isPaused()).toBe(true)
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString())).resume()
    await once(socket, 'end')
    expect(text).toBe('head body tail')
    socket.end('answer')
    const there = new Collector(dialled)
    await there.until(() => there.has('close'))
    expect(there.bytes.toString()).toBe('answer')
    expect(accepted.closed).toBe(true)
  })

  it('leaves the conn able to reset it', async () => {
    const { accepted, dialled } = await open()
    takeSocket(accepted)
    accepted.reset()
    const there = new Collector(dialled)
    await there.until(() => there.has('break'))
  })

  it('has none of a peer that has ended, or that is gone', async () => {
    const { accepted, dialled } = await open()
    dialled.end()
    const here = new Collector(accepted)
    await here.until(() => here.has('end'))
    expect(takeSocket(accepted)).toBeUndefined()
    accepted.destroy()
    expect(takeSocket(accepted)).toBeUndefined()
  })
})
