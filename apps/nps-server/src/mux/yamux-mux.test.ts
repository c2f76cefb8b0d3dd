import type { Conn } from '@sluice/net'
import { Collector, type MemoryConn, memoryConns, turns } from '@sluice/net/testing'
import { encodeYamuxFrame, YAMUX_FLAG, type YamuxFrame } from '@sluice/wire/yamux'
import { afterEach, describe, expect, it } from 'vitest'
import { type MuxOptions, StreamReset } from './mux.ts'
import { carriers, MuxEnds } from './testing/mux-ends.ts'
import { YamuxMux } from './yamux-mux.ts'

const all: { close(): void }[] = []

afterEach(() => {
  for (const each of all.splice(0)) each.close()
})

const pair = (conns: readonly Conn[] = memoryConns()): MuxEnds<YamuxMux> => {
  const ends = new MuxEnds(YamuxMux, conns)
  all.push(ends)
  return ends
}

/** Octets that have come and were not taken. */
const heldOf = (conn: Conn): number => (conn as Conn & { readonly held: number }).held

const openPair = async (ends: MuxEnds<YamuxMux>): Promise<[Conn, Conn]> => {
  const count = ends.accepted.length
  const conn = ends.near.open()
  await expect.poll(() => ends.accepted.length).toBe(count + 1)
  return [conn, ends.accepted.at(-1)!]
}

describe.each(Object.entries(carriers))('streams over %s', (_name, carrier) => {
  it('bring what was sent, half-close each way, and leave nothing', async () => {
    const ends = pair(await carrier())
    const [conn, peer] = await openPair(ends)
    const [here, there] = [new Collector(conn), new Collector(peer)]
    conn.write(Buffer.from('ping'))
    conn.end()
    await there.until(() => there.has('end'))
    peer.write(Buffer.from('pong'))
    peer.end()
    await here.until(() => here.has('close'))
    await there.until(() => there.has('close'))
    expect([here.text, here.events, there.text, there.events]).toEqual([
      'pong',
      ['data', 'end', 'close'],
      'ping',
      ['data', 'end', 'close'],
    ])
    expect([ends.near.streams, ends.far.streams, conn.closed, peer.closed]).toEqual([0, 0, true, true])
    expect(conn.remote).toEqual(ends.near.remote)
  })

  it('tell why they were reset', async () => {
    const ends = pair(await carrier())
    const [conn, peer] = await openPair(ends)
    const there = new Collector(peer)
    conn.write(Buffer.alloc(1_000_000))
    conn.reset(417)
    await there.until(() => there.has('break'))
    expect(there.error).toBeInstanceOf(StreamReset)
    expect(there.error).toMatchObject({ reason: 417, code: 'TARGET_RESET' })
    await turns()
    expect([ends.near.streams, ends.far.streams]).toEqual([0, 0])
  })
})

describe('a stream', () => {
  it('that is destroyed ends for the peer, and is reset when the peer goes on', async () => {
    const ends = pair()
    const [conn, peer] = await openPair(ends)
    const there = new Collector(peer)
    conn.write(Buffer.from('all of it'))
    conn.destroy()
    await there.until(() => there.has('end'))
    await turns()
    expect([there.text, there.events]).toEqual(['all of it', ['data', 'end']])
    peer.write(Buffer.from('?'))
    await there.until(() => there.has('break'))
    expect([ends.near.streams, ends.far.streams]).toEqual([0, 0])
  })

  it('that is destroyed with something yet to be sent does not look as if that were all', async () => {
    const ends = pair()
    const [conn, peer] = await openPair(ends)
    const there = new Collector(peer)
    conn.write(Buffer.alloc(1_000_000))
    conn.destroy()
    await there.until(() => there.has('break') || there.has('end'))
    expect(there.has('end')).toBe(false)
  })

  it('is refused where nobody takes it', async () => {
    const ends = pair()
    const here = new Collector(ends.far.open())
    await here.until(() => here.has('break'))
    expect([here.error, ends.far.streams]).toEqual([expect.objectContaining({ reason: 998 }), 0])
  })

  it('has a window that grows where that is what holds it back', async () => {
    const ends = pair(await carriers['TCP']!())
    const [conn, peer] = await openPair(ends)
    const there = new Collector(peer)
    conn.write(Buffer.alloc(64 * 1024 * 1024))
    await there.until(() => there.size === 64 * 1024 * 1024)
    peer.pause()
    conn.write(Buffer.alloc(64 * 1024 * 1024))
    await expect.poll(() => heldOf(peer)).toBeGreaterThan(256 * 1024)
    await turns(50)
    expect(heldOf(peer)).toBeLessThanOrEqual(4 * 1024 * 1024)
  })

  it('that came as a whole may be read after the mux has ended', async () => {
    const ends = pair()
    const [conn, peer] = await openPair(ends)
    peer.pause()
    conn.write(Buffer.alloc(100_000))
    conn.end()
    peer.end()
    await turns(20)
    expect(heldOf(peer)).toBe(100_000)
    expect([ends.near.streams, ends.far.streams]).toEqual([0, 1])
    ends.close()
    const there = new Collector(peer)
    await there.until(() => there.has('close'))
    expect([there.size, there.events]).toEqual([100_000, ['data', 'end', 'close']])
  })

  it('does not outlast what all of them may hold together', async () => {
    const ends = pair()
    const sinks = Array.from({ length: 300 }, () => new Collector(ends.near.open()))
    await expect.poll(() => ends.accepted.length).toBe(300)
    for (const peer of ends.accepted) peer.pause()
    for (const { conn } of sinks) conn.write(Buffer.alloc(256 * 1024))
    await expect.poll(() => sinks.filter((sink) => sink.has('break')).length).toBeGreaterThan(30)
    const held = ends.accepted.reduce((sum, peer) => sum + heldOf(peer), 0)
    expect(held).toBeLessThanOrEqual(64 * 1024 * 1024)
    const reset = sinks.find((sink) => sink.has('break'))
    expect([reset?.error, ends.far.closed]).toEqual([expect.objectContaining({ reason: 997 }), false])
  })
})

/** A mux, to a peer of which only frames are seen. */
const raw = (
  options: Partial<MuxOptions> = {},
): { mux: YamuxMux; peer: Collector; ended: (Error | undefined)[]; send: (frame: YamuxFrame) => void } => {
  const [conn, far]: MemoryConn[] = memoryConns() as MemoryConn[]
  const ended: (Error | undefined)[] = []
  const mux = new YamuxMux({ conn: conn!, isOpener: true, onClose: (error) => ended.push(error), ...options })
  all.push(mux)
  return { mux, peer: new Collector(far!), ended, send: (frame) => void far!.write(encodeYamuxFrame(frame)) }
}

describe('a mux', () => {
  it('opens with a ping, answers those of the peer, and closes with a word', async () => {
    const { mux, peer, send, ended } = raw()
    send({ type: 'ping', opaque: 0xdead_beef })
    await peer.until(() => peer.size === 24)
    expect(peer.bytes).toEqual(
      Buffer.concat([
        encodeYamuxFrame({ type: 'ping', opaque: 1 }),
        encodeYamuxFrame({ type: 'pong', opaque: 0xdead_beef }),
      ]),
    )
    mux.close()
    await peer.until(() => peer.has('end'))
    expect(peer.bytes.subarray(24)).toEqual(Buffer.from(encodeYamuxFrame({ type: 'goAway', code: 0 })))
    expect(ended).toEqual([undefined])
  })

  it('passes over frames of streams that have ended', async () => {
    const { mux, send, ended } = raw()
    mux.open().reset()
    send({ type: 'data', id: 1, flags: 0, payload: Buffer.from('late') })
    send({ type: 'window', id: 1, flags: YAMUX_FLAG.FIN, delta: 0 })
    send({ type: 'data', id: 2, flags: YAMUX_FLAG.SYN, payload: Buffer.from('refused') })
    send({ type: 'data', id: 2, flags: 0, payload: Buffer.from('late') })
    await turns()
    expect(ended).toEqual([])
  })

  it.each<[string, YamuxFrame, string]>([
    ['a stream of ours that was never opened', { type: 'window', id: 3, flags: 0, delta: 1 }, 'WIRE_VALUE'],
    ['a stream of theirs that was never opened', { type: 'window', id: 2, flags: 0, delta: 1 }, 'WIRE_VALUE'],
    ['one of ours that they open', { type: 'window', id: 1, flags: YAMUX_FLAG.SYN, delta: 0 }, 'WIRE_VALUE'],
    [
      'more than the window',
      { type: 'data', id: 1, flags: 0, payload: Buffer.alloc(262_145) },
      'WIRE_TOO_LONG',
    ],
    ['a window past 32 bits', { type: 'window', id: 1, flags: 0, delta: 0xffff_ffff }, 'WIRE_TOO_LONG'],
  ])('ends at %s, and says so', async (_what, frame, code) => {
    const { mux, peer, send, ended } = raw()
    const here = new Collector(mux.open())
    here.conn.pause()
    send(frame)
    await peer.until(() => peer.has('end'))
    expect(ended).toMatchObject([{ code }])
    expect(here.error).toBe(ended[0])
    expect(peer.bytes.subarray(-12)).toEqual(Buffer.from(encodeYamuxFrame({ type: 'goAway', code: 1 })))
  })

  it('sends no more than it may, and holds nothing itself, where the peer never gives leave', async () => {
    const { mux, peer, send } = raw()
    const here = new Collector(mux.open())
    expect(here.conn.write(Buffer.alloc(1024 * 1024))).toBe(false)
    await turns()
    const whole = 12 + 12 + 4 * (64 * 1024 + 12)
    expect([peer.size, here.events]).toEqual([whole, []])
    send({ type: 'window', id: 1, flags: 0, delta: 768 * 1024 - 1 })
    await turns()
    expect(here.events).toEqual([])
    send({ type: 'window', id: 1, flags: 0, delta: 1 })
    await here.until(() => here.has('drain'))
    await turns()
    expect(peer.size).toBeGreaterThan(1024 * 1024)
  })

  it('lets go of a peer that asks and asks, and reads nothing', async () => {
    const [conn, far] = memoryConns()
    const ended: (Error | undefined)[] = []
    all.push(new YamuxMux({ conn, onClose: (error) => ended.push(error) }))
    const there = new Collector(far)
    await there.until(() => there.size > 0)
    conn.stalled = true
    const ping = encodeYamuxFrame({ type: 'ping', opaque: 1 })
    for (let i = 0; i < 50; i++) far.write(Buffer.concat(Array.from({ length: 1000 }, () => ping)))
    await expect.poll(() => ended).toMatchObject([{ code: 'WIRE_TOO_LONG' }])
  })

  it('opens nothing more once the peer leaves, and closes behind the last stream', async () => {
    const { mux, send, ended } = raw()
    const here = new Collector(mux.open())
    send({ type: 'goAway', code: 0 })
    await turns()
    expect(() => mux.open()).toThrow(expect.objectContaining({ code: 'AGENT_LOST' }))
    expect(ended).toEqual([])
    send({ type: 'data', id: 1, flags: YAMUX_FLAG.FIN, payload: Buffer.from('last') })
    here.conn.end()
    await here.until(() => here.has('close'))
    await turns()
    expect([here.text, ended]).toEqual(['last', [undefined]])
  })

  it('is lost where the peer gives up', async () => {
    const { send, ended } = raw()
    send({ type: 'goAway', code: 1 })
    await turns()
    expect(ended).toMatchObject([{ code: 'AGENT_LOST', cause: { message: 'the peer gave up with code 1' } }])
  })
})
