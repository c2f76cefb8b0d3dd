import type { Conn } from '@sluice/net'
import { Collector, dice, memoryConns, turns } from '@sluice/net/testing'
import { ManualClock } from '@sluice/ratelimit'
import { WireError } from '@sluice/wire'
import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { Mux, MuxOptions } from './mux.ts'
import { carriers, kinds, MuxEnds } from './testing/mux-ends.ts'

const all: { close(): void }[] = []

afterEach(() => {
  for (const each of all.splice(0)) each.close()
})

/** Takes a chunk, rests for some turns, and goes on. */
class SlowCollector extends Collector {
  readonly #rest: () => number

  constructor(conn: Conn, rest: () => number) {
    super(conn)
    this.#rest = rest
  }

  override onData(chunk: Uint8Array): void {
    super.onData(chunk)
    const rest = this.#rest?.() ?? 0
    if (rest === 0) return
    this.conn.pause()
    void turns(rest).then(() => this.conn.resume())
  }
}

const send = async (conn: Conn, sink: Collector, bytes: Buffer, sizes: () => number): Promise<void> => {
  for (let at = 0; at < bytes.length;) {
    const size = sizes()
    const drains = sink.events.filter((event) => event === 'drain').length
    const wentOut = conn.write(bytes.subarray(at, at + size))
    if (!wentOut) await sink.until(() => sink.events.filter((event) => event === 'drain').length > drains)
    at += size
  }
  conn.end()
}

const NOISE = randomBytes(1024 * 1024)

describe.each(Object.entries(kinds))('a mux: %s', (_name, { Kind, hasHalfClose, open }) => {
  const pair = (
    conns: readonly Conn[] = memoryConns(),
    near: Partial<MuxOptions> = {},
    far: Partial<MuxOptions> = {},
  ): MuxEnds<Mux> => {
    const ends = new MuxEnds<Mux>(Kind, conns, near, far)
    all.push(ends)
    return ends
  }

  const openPair = async (ends: MuxEnds<Mux>): Promise<[Conn, Conn]> => {
    const count = ends.accepted.length
    const conn = await open(ends.near)
    await expect.poll(() => ends.accepted.length).toBe(count + 1)
    return [conn, ends.accepted.at(-1)!]
  }

  it('brings every byte both ways, whatever the sizes and the pauses', async () => {
    const run = fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 4 }), async (seed, count) => {
      const roll = dice(seed)
      const some = (): number => 1 + roll(100_000)
      const conns = memoryConns({ readBytes: some, writeBytes: some })
      const ends = pair(conns)
      const pairs: [Conn, Conn][] = []
      while (pairs.length < count) pairs.push(await openPair(ends))
      const streams = await Promise.all(
        pairs.map(async ([conn, peer]) => {
          const [up, down] = [NOISE.subarray(roll(700_000)), NOISE.subarray(roll(700_000))]
          const rest = (): number => (roll(4) === 0 ? roll(5) : 0)
          const [here, there] = [new SlowCollector(conn, rest), new SlowCollector(peer, rest)]
          // One direction at a time: the other kind of mux has no half-close.
          await send(peer, there, down, some).then(() => here.until(() => here.has('end')))
          if (hasHalfClose) await send(conn, here, up, some).then(() => there.until(() => there.has('end')))
          else conn.end()
          return [here, down, there, hasHalfClose ? up : Buffer.alloc(0)] as const
        }),
      )
      for (const [here, down, there, up] of streams) {
        expect(here.bytes.equals(down)).toBe(true)
        expect(there.bytes.equals(up)).toBe(true)
        await here.until(() => here.has('close'))
      }
      await expect.poll(() => [ends.near.streams, ends.far.streams]).toEqual([0, 0])
    })
    await fc.assert(run, { numRuns: 15 })
  })

  it.each(Object.entries(carriers))(
    'carries many megabytes both ways at once over %s',
    async (_carrier, carrier) => {
      const ends = pair(await carrier())
      const [conn, peer] = await openPair(ends)
      const [here, there] = [new Collector(conn), new Collector(peer)]
      const bytes = Buffer.concat(Array.from({ length: 12 }, () => NOISE))
      for (const each of [conn, peer]) each.write(bytes)
      await here.until(() => here.size === bytes.length)
      await there.until(() => there.size === bytes.length)
      expect([here.bytes.equals(bytes), there.bytes.equals(bytes)]).toEqual([true, true])
    },
  )

  it('holds no more of a stream than its window while its sink is paused, and others go on', async () => {
    const ends = pair()
    const [slow, slowPeer] = await openPair(ends)
    const [fast, fastPeer] = await openPair(ends)
    const writer = new Collector(slow)
    slowPeer.pause()
    expect(slow.write(Buffer.alloc(8 * 1024 * 1024))).toBe(false)
    const there = new Collector(fastPeer)
    const here = new Collector(fast)
    for (let round = 0; round < 20; round++) {
      fast.write(Buffer.alloc(300_000))
      await there.until(() => there.size === 300_000 * (round + 1))
    }
    expect(here.has('break') || writer.has('drain')).toBe(false)
    const { held } = slowPeer as Conn & { held: number }
    expect(held).toBeGreaterThan(100_000)
    expect(held).toBeLessThanOrEqual(256 * 1024)
    const late = new Collector(slowPeer)
    await late.until(() => late.size === 8 * 1024 * 1024)
    expect(writer.events).toEqual(['drain'])
  })

  it('gives every stream its turn while the carrier is slow', async () => {
    const conns = memoryConns()
    const ends = pair(conns)
    const bulk: Collector[] = []
    const bulkConns: Conn[] = []
    for (let i = 0; i < 16; i++) {
      const [conn, peer] = await openPair(ends)
      bulkConns.push(conn)
      bulk.push(new Collector(peer))
    }
    const [small, smallPeer] = await openPair(ends)
    const quick = new Collector(smallPeer)
    conns[0].stalled = true
    for (const conn of bulkConns) conn.write(Buffer.alloc(1024 * 1024))
    expect(small.write(Buffer.from('quick'))).toBe(false)
    const total = (): number => bulk.reduce((sum, { size }) => sum + size, 0)
    let before = 0
    quick.onData = () => (before = total())
    conns[0].stalled = false
    await expect.poll(total).toBe(16 * 1024 * 1024)
    // What had gone before it came, and one frame of each of the others.
    expect(before).toBeGreaterThan(0)
    expect(before).toBeLessThan(604 * 1024 + 16 * 64 * 1024)
  })

  it('opens no more streams than it may have', async () => {
    const ends = pair(memoryConns(), { maxStreams: 1 })
    const [first] = await openPair(ends)
    await expect(open(ends.near)).rejects.toMatchObject({ code: 'STREAM_LIMIT' })
    first.reset()
    await open(ends.near)
  })

  it('refuses more streams than it may have', async () => {
    const ends = pair(memoryConns(), {}, { maxStreams: 1 })
    await openPair(ends)
    const error = await open(ends.near).then(async (conn) => {
      const here = new Collector(conn)
      await here.until(() => here.has('break'))
      return here.error
    }, Object)
    expect(error).toMatchObject(hasHalfClose ? { reason: 999 } : { code: 'DIAL_REFUSED' })
    expect([ends.near.streams, ends.accepted.length]).toEqual([1, 1])
  })

  it('opens and ends thousands of streams, and keeps none', async () => {
    const ends = pair()
    for (let round = 0; round < 20; round++) {
      const opened = await Promise.all(Array.from({ length: 200 }, () => open(ends.near)))
      await expect.poll(() => ends.accepted.length).toBe(200)
      const sinks = [...opened, ...ends.accepted.splice(0)].map((conn) => new Collector(conn))
      opened.forEach((conn, i) => {
        conn.write(Buffer.alloc(i))
        if (i % 3 === 0) conn.reset()
        else conn.end()
      })
      await Promise.all(
        sinks.slice(200).map((sink) => sink.until(() => sink.has('end') || sink.has('break'))),
      )
      for (const sink of sinks.slice(200)) sink.conn.end()
      await Promise.all(sinks.map((sink) => sink.until(() => sink.has('close') || sink.has('break'))))
    }
    await expect.poll(() => [ends.near.streams, ends.far.streams]).toEqual([0, 0])
  })

  it('asks a peer that says nothing by itself before it counts as dead', async () => {
    const clock = new ManualClock()
    const ends = pair(memoryConns(), { clock, deadMs: 3000 })
    for (let second = 0; second < 10; second += 1) {
      await turns()
      clock.advance(1000)
    }
    expect(ends.near.closed).toBe(false)
  })

  it('measures the way there and back, and ends where the peer is silent', async () => {
    const clock = new ManualClock()
    const conns = memoryConns()
    const ends = pair(conns, { clock })
    const [conn] = await openPair(ends)
    const here = new Collector(conn)
    conns[0].stalled = true
    clock.advance(5000)
    clock.advance(7)
    conns[0].stalled = false
    await expect.poll(() => ends.near.rttMs).toBe(7)
    conns[1].pause()
    clock.advance(14_992)
    await turns()
    expect(ends.near.closed).toBe(false)
    clock.advance(10)
    expect([ends.near.closed, ends.near.streams]).toEqual([true, 0])
    expect(ends.ends.near).toMatchObject([
      { code: 'AGENT_LOST', cause: { message: expect.stringMatching(/nothing came/) } },
    ])
    expect([here.events, here.error]).toMatchObject([['break'], { code: 'AGENT_LOST' }])
    await expect(open(ends.near)).rejects.toMatchObject({ code: 'AGENT_LOST' })
    expect(clock.timers).toBe(0)
  })

  it('breaks all streams where the carrier breaks, even those that are paused', async () => {
    const conns = memoryConns()
    const ends = pair(conns)
    const [conn, peer] = await openPair(ends)
    const here = new Collector(conn)
    conn.pause()
    peer.write(Buffer.from('x'))
    conns[1].reset()
    await here.until(() => here.has('break'))
    expect(here.error).toMatchObject({ code: 'AGENT_LOST' })
    await expect.poll(() => ends.ends).toMatchObject({ near: [{ code: 'AGENT_LOST' }] })
    ends.near.close()
    expect(ends.ends.near.length).toBe(1)
  })

  it('tells its streams what it is closed for', async () => {
    const ends = pair()
    const [conn] = await openPair(ends)
    const here = new Collector(conn)
    ends.near.close(new Error('enough'))
    expect([here.error?.message, ends.ends.near.map((error) => error?.message)]).toEqual([
      'enough',
      ['enough'],
    ])
    await expect.poll(() => ends.ends.far.length).toBe(1)
  })

  it('takes any bytes, and fails with a WireError alone', async () => {
    const run = fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 }),
      async (chunks) => {
        const [conn, peer] = memoryConns()
        const ended: (Error | undefined)[] = []
        const streams: Conn[] = []
        const mux: Mux = new Kind({
          conn,
          onStream: (stream) => streams.push(stream),
          onClose: (error) => ended.push(error),
        })
        const there = new Collector(peer)
        for (const chunk of chunks) peer.write(chunk)
        await turns(3)
        expect(there.has('break')).toBe(false)
        const [error] = ended
        expect([mux.closed, ended.length]).toEqual(mux.closed ? [true, 1] : [false, 0])
        if (error !== undefined) expect(error instanceof WireError || 'code' in error).toBe(true)
        mux.close()
      },
    )
    await fc.assert(run, { numRuns: 200 })
  })
})
