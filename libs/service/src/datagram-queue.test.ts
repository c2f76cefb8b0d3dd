import * as fc from 'fast-check'
import { ManualClock, Shaper, type Share, type ShareLimits } from '@sluice/ratelimit'
import { describe, expect, it } from 'vitest'
import { DatagramQueue, MAX_WAIT_MS } from './datagram-queue.ts'

const MAX_BYTES = 256 * 1024

/** A queue whose peers are the moments in which their datagrams were offered. */
class Bench {
  readonly clock = new ManualClock()
  readonly share: Share
  readonly queue: DatagramQueue<number>
  readonly ages: number[] = []
  sent = 0
  dropped = 0
  offered = 0
  bytes = 0
  isFull = false

  constructor(limits: ShareLimits) {
    this.share = new Shaper({}, this.clock).user('ada', limits)
    const lane = {
      limiter: limits.up && this.share.flow('up', (bytes) => lane.onGrant(bytes)),
      onGrant: (() => {}) as (bytes: number) => void,
      count: (bytes: number): void => void (this.bytes += bytes),
    }
    this.queue = new DatagramQueue<number>({
      lane,
      now: () => this.clock.now(),
      onDrop: () => void this.dropped++,
      send: (_payload, at) => {
        this.sent++
        this.ages.push(this.clock.now() - at)
        return !this.isFull
      },
    })
  }

  offer(size: number): void {
    this.offered++
    this.queue.offer(new Uint8Array(size), this.clock.now())
  }

  /** Offers one datagram of `size` each `everyMs` for `ms`. */
  stream(size: number, everyMs: number, ms: number): void {
    for (let left = ms; left > 0; left -= everyMs) {
      this.offer(size)
      this.clock.advance(everyMs)
    }
  }
}

const up = (rate: number, burst = rate / 4): ShareLimits => ({ up: { rate, burst } })

describe('a queue of datagrams', () => {
  it('lets all go at once where nothing limits its lane', () => {
    const bench = new Bench({})
    for (const size of [0, 1, 1200, 65_507]) bench.offer(size)
    expect(bench).toMatchObject({ sent: 4, bytes: 66_708, dropped: 0 })
  })

  it('keeps the order, the bounds and the count, whatever comes', () => {
    const step = fc.record({
      size: fc.oneof(fc.integer({ min: 0, max: 65_507 }), fc.constant(1200)),
      count: fc.integer({ min: 1, max: 60 }),
      ms: fc.integer({ min: 0, max: 120 }),
    })
    const rate = fc.integer({ min: 1000, max: 20_000_000 })
    fc.assert(
      fc.property(rate, fc.array(step, { maxLength: 30 }), (bytesPerSecond, steps) => {
        const bench = new Bench(up(bytesPerSecond))
        for (const { size, count, ms } of steps) {
          for (let i = 0; i < count; i++) {
            bench.offer(size)
            expect(bench.queue.bytes).toBeLessThanOrEqual(MAX_BYTES)
            expect(bench.queue.size).toBeLessThanOrEqual(1024)
          }
          bench.clock.advance(ms)
        }
        expect(Math.max(0, ...bench.ages)).toBeLessThanOrEqual(MAX_WAIT_MS)
        expect(bench.sent + bench.dropped + bench.queue.size).toBe(bench.offered)
        bench.queue.clear()
        expect(bench.sent + bench.dropped).toBe(bench.offered)
        expect(bench.queue).toMatchObject({ bytes: 0, size: 0 })
      }),
    )
  })

  it.each([
    ['whole datagrams of a rate that takes 20 ms for each', 60_000],
    ['those of a rate that takes longer for one than any may wait', 10_000],
    ['those of a fast rate', 2_000_000],
  ])('uses up its rate: %s', (_, rate) => {
    const burst = Math.max(2400, rate / 20)
    const bench = new Bench(up(rate, burst))
    bench.stream(1200, (1200 / rate) * 1000 * 0.4, 20_000)
    expect(bench.bytes).toBeGreaterThan(rate * 20 * 0.97)
    expect(bench.bytes).toBeLessThanOrEqual(burst + rate * 20)
  })

  it('counts nothing that found no room where it was sent', () => {
    const bench = new Bench({})
    bench.isFull = true
    bench.offer(1000)
    expect([bench.dropped, bench.bytes]).toEqual([1, 0])
    bench.isFull = false
    bench.offer(1000)
    expect([bench.dropped, bench.bytes]).toEqual([1, 1000])
  })

  it('keeps what was granted for one that came too late for those behind it', () => {
    const bench = new Bench(up(100_000, 40_000))
    bench.offer(20_000)
    bench.clock.advance(60)
    for (let i = 0; i < 10; i++) bench.offer(1000)
    expect(bench).toMatchObject({ sent: 10, bytes: 10_000, dropped: 1 })
  })

  it('loses nothing of a stream that is within its rate', () => {
    const bench = new Bench(up(130_000))
    bench.stream(1200, 10, 10_000)
    bench.clock.advance(100)
    expect(bench).toMatchObject({ sent: 1000, dropped: 0 })
  })

  it.each([0.5, 1, 4])('shares equally with a TCP flow of its user, at %s times the rate', (load) => {
    const rate = 400_000
    const bench = new Bench(up(rate, rate / 4))
    let tcp = 0
    const flow = bench.share.flow('up', (bytes) => {
      tcp += bytes
      pull()
    })
    const pull = (): void => {
      for (let got = flow.take(65_536); got > 0; got = flow.take(65_536)) tcp += got
    }
    pull()
    const everyMs = 1_000_000 / (rate * load)
    bench.stream(1000, everyMs, 1000)
    const before = { udp: bench.bytes, tcp }
    bench.stream(1000, everyMs, 20_000)
    const [udp, other] = [bench.bytes - before.udp, tcp - before.tcp]
    const quantum = (rate * 0.1) / 3
    expect(Math.abs(udp - other)).toBeLessThanOrEqual(2 * quantum)
    expect(udp + other).toBeGreaterThan(rate * 20 * 0.99)
  })
})
