import { once } from 'node:events'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { moveSocket } from './moved-socket.ts'
import { Relay } from './relay.ts'
import { SocketConn } from './socket-conn.ts'
import { Collector } from './testing/collector.ts'
import { CountingLane } from './testing/lanes.ts'
import { acceptedPair, turns } from './testing/loopback.ts'

const MIB = 1024 * 1024
const ONREAD = { buffer: new Uint8Array(1024), callback: (): boolean => true }

const uploading = async (
  bytes: number,
): Promise<{ conn: SocketConn; peer: Socket; got: Collector; first: Socket }> => {
  const { conn, peer } = await acceptedPair()
  if (!(conn instanceof SocketConn)) throw new TypeError('an accepted conn is a SocketConn')
  const { socket: first } = conn
  const got = new Collector(conn)
  peer.write(Buffer.alloc(bytes, 'x'))
  await got.until(() => got.size === bytes)
  await turns()
  return { conn, peer, got, first }
}

describe('an accepted conn that brings much', () => {
  it('moves to a socket with a buffer of its own, and nobody notices', async () => {
    const { conn, peer, got, first } = await uploading(8 * MIB)
    expect(conn.socket).not.toBe(first)
    expect(first.destroyed).toBe(true)
    expect(conn.remote.port).toBe(peer.localPort)
    conn.write(Buffer.from('back'))
    expect(String((await once(peer, 'data'))[0])).toBe('back')
    conn.pause()
    peer.end('and an end')
    await turns()
    expect(got.size).toBe(8 * MIB)
    conn.resume()
    await got.until(() => got.has('end'))
    expect(got.text.slice(8 * MIB)).toBe('and an end')
    conn.end()
    if (!peer.closed) await once(peer.resume(), 'close')
    expect(peer.errored).toBe(null)
  })

  it('can be reset', async () => {
    const { conn, peer, first } = await uploading(8 * MIB)
    expect(conn.socket).not.toBe(first)
    peer.resume()
    const broken = once(peer, 'error')
    conn.reset()
    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' })
  })

  it('stays where it is while it brings little', async () => {
    const { conn, peer, first } = await uploading(1000)
    expect(conn.socket).toBe(first)
    peer.destroy()
  })
})

describe('a relay between two accepted conns', () => {
  const pump = async (from: Socket, to: Socket, bytes: number): Promise<void> => {
    const chunk = Buffer.alloc(MIB, 'x')
    const done = new Promise<void>((resolve) => {
      let got = 0
      to.on('data', ({ length }: Buffer) => {
        got += length
        if (got === bytes) resolve()
      })
    })
    for (let sent = 0; sent < bytes; sent += MIB) if (!from.write(chunk)) await once(from, 'drain')
    await done
  }

  it.each(['one way', 'then the other', 'both at once'])(
    'moves each one that brings much: %s',
    async (how) => {
      const [one, other] = await Promise.all([acceptedPair(), acceptedPair()])
      const near = one.conn as SocketConn
      const far = other.conn as SocketConn
      const first = [near.socket, far.socket]
      const relay = new Relay(near, far, { up: new CountingLane(), down: new CountingLane() })
      const outcome = relay.run()
      const up = pump(one.peer, other.peer, 64 * MIB)
      if (how !== 'both at once') await up
      if (how !== 'one way') await pump(other.peer, one.peer, 64 * MIB)
      await up
      expect([near.socket !== first[0], far.socket !== first[1]]).toEqual([true, how !== 'one way'])
      one.peer.end()
      other.peer.end()
      await outcome
    },
  )
})

describe('moveSocket()', () => {
  it('leaves a socket alone that has no handle it knows', () => {
    const socket = new Socket()
    expect(moveSocket(socket, ONREAD, {})).toBe(undefined)
    Object.assign(socket, { _handle: { readStop: (): void => {}, close: (): void => {} } })
    expect(moveSocket(socket, ONREAD, {})).toBe(undefined)
    expect(socket.destroyed).toBe(false)
  })

  it('leaves a socket alone whose writes are under way', async () => {
    const { conn, peer } = await acceptedPair()
    if (!(conn instanceof SocketConn)) throw new TypeError('an accepted conn is a SocketConn')
    while (conn.write(Buffer.alloc(MIB)));
    expect(moveSocket(conn.socket, ONREAD, {})).toBe(undefined)
    conn.destroy()
    peer.destroy()
  })
})
