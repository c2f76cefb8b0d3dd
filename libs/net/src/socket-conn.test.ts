import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { Conn } from './conn.ts'
import { Collector } from './testing/collector.ts'
import {
  acceptedPair,
  connPair,
  dialledPair,
  dialLoopback,
  Door,
  hasIpv6,
  NEVER,
  turns,
} from './testing/loopback.ts'

const conns: Conn[] = []
const open = async (): Promise<{ accepted: Conn; dialled: Conn }> => {
  const pair = await connPair()
  conns.push(pair.accepted, pair.dialled)
  return pair
}

afterEach(() => {
  for (const conn of conns.splice(0)) conn.destroy()
})

describe('addresses', () => {
  it('has the same two addresses at both ends, also after the close', async () => {
    const { accepted, dialled } = await open()
    expect(accepted.remote).toEqual({ host: '127.0.0.1', port: expect.any(Number) })
    expect([accepted.remote, accepted.local]).toEqual([dialled.local, dialled.remote])
    const { remote, local } = accepted
    const here = new Collector(accepted)
    accepted.destroy()
    await here.until(() => here.has('close'))
    expect([accepted.remote, accepted.local]).toEqual([remote, local])
  })

  it.skipIf(!hasIpv6)('shows the IPv4 clients of a dual-stack listener as IPv4', async () => {
    const door = await Door.open('::')
    const dialled = await dialLoopback()({ host: '127.0.0.1', port: door.port }, NEVER)
    const accepted = await door.next()
    conns.push(accepted, dialled)
    door.close()
    expect([accepted.remote, accepted.local]).toEqual([dialled.local, { host: '127.0.0.1', port: door.port }])
  })

  it('has none where the peer had gone before anyone asked', async () => {
    const { accepted, dialled } = await open()
    const here = new Collector(accepted)
    dialled.reset()
    await here.until(() => here.has('break'))
    expect(accepted.remote).toEqual({ host: '', port: 0 })
  })
})

describe('towards a plain socket', () => {
  it.each(['accepted', 'dialled'] as const)('%s: reset is a reset, destroy a regular end', async (kind) => {
    for (const [how, code] of [
      ['reset', 'ECONNRESET'],
      ['destroy', undefined],
    ] as const) {
      const { conn, peer } = await (kind === 'accepted' ? acceptedPair() : dialledPair())
      let seen: string | undefined = undefined
      peer.on('error', (error: NodeJS.ErrnoException) => (seen = error.code)).resume()
      peer.on('end', () => peer.end())
      const closed = once(peer, 'close').catch(() => once(peer, 'close'))
      conn[how]()
      await closed
      expect(seen).toBe(code)
    }
  })

  it('a socket whose two ways have ended is closed without being told to', async () => {
    for (const make of [acceptedPair, dialledPair]) {
      const { conn, peer } = await make()
      const here = new Collector(conn)
      conn.end()
      peer.resume().end()
      await Promise.all([here.until(() => here.has('close')), once(peer, 'close')])
      expect(here.events).toEqual(['end', 'close'])
    }
  })

  it('an accepted socket has no delay and reads one chunk ahead at the most', async () => {
    const { conn, peer } = await acceptedPair()
    const here = new Collector(conn)
    conn.pause()
    peer.write(Buffer.alloc(1024 * 1024))
    await turns(20)
    expect(here.size).toBe(0)
    conn.resume()
    await here.until(() => here.size === 1024 * 1024)
    expect(Math.max(...here.chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(64 * 1024)
    conn.destroy()
  })

  it('a dialled socket reads more at a time from one that sends much, up to the limit it was given', async () => {
    const { conn, peer } = await dialledPair()
    const here = new Collector(conn)
    const largest = (): number => Math.max(...here.chunks.splice(0).map((chunk) => chunk.length))
    peer.write(Buffer.alloc(16 * 1024 * 1024))
    await here.until(() => here.size === 16 * 1024 * 1024)
    expect(largest()).toBe(32 * 0x3fff)
    conn.readLimit = 64 * 1024
    peer.write(Buffer.alloc(1024 * 1024))
    await here.until(() => here.size === 17 * 1024 * 1024)
    here.chunks.splice(0, 1)
    expect(largest()).toBeLessThanOrEqual(64 * 1024)
    conn.destroy()
  })

  it('a dialled socket gives its large buffer back when it closes', async () => {
    // Two times what all large buffers may hold together.
    for (let i = 0; i < 256; i++) {
      const { conn, peer } = await dialledPair()
      const here = new Collector(conn)
      const isLarge = (): boolean => here.chunks.some((chunk) => chunk.length > 64 * 1024)
      peer.write(Buffer.alloc(1024 * 1024))
      await here.until(() => isLarge() || here.size === 1024 * 1024)
      expect(isLarge()).toBe(true)
      conn.destroy()
      peer.on('error', () => {}).destroy()
      await here.until(() => here.has('close'))
    }
  })
})
