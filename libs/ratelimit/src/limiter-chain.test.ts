import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LimiterChain } from './limiter-chain.ts'
import { Shaper } from './shaper.ts'
import type { ShareLimits } from './share-credits.ts'
import { ShareStage, type Stage } from './stage.ts'
import { ManualClock } from './testing/manual-clock.ts'
import { jain } from './testing/meter.ts'
import { defaultBurst, type Limit } from './token-bucket.ts'

const KB = 1000
const MB = 1_000_000
const limit = (rate: number): Limit => ({ rate, burst: defaultBurst(rate) })
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** A stage that gives what it was told to, one number for each take; 0: later, when it is told how many. */
class Told implements Stage {
  onGrant: (bytes: number) => void = () => {}
  limiter: { take(bytes: number): number } | undefined
  readonly asked: number[] = []
  waits = false
  passed = 0
  readonly #gives: () => number

  constructor(gives: () => number, limits = true) {
    this.#gives = gives
    this.limiter = limits ? { take: (bytes) => this.#take(bytes) } : undefined
  }

  limit(): void {
    this.limiter ??= { take: (bytes) => this.#take(bytes) }
  }

  grant(part: number): void {
    const bytes = Math.max(1, Math.min(part, this.asked.at(-1)!))
    this.waits = false
    this.passed += bytes
    this.onGrant(bytes)
  }

  #take(bytes: number): number {
    if (!Number.isInteger(bytes) || bytes < 1) throw new Error(`asked for ${bytes}`)
    this.asked.push(bytes)
    const given = Math.min(this.#gives(), bytes)
    this.waits = given === 0
    this.passed += given
    return given
  }
}

/** Writes a chunk at a time, as a lane of a relay does. */
class Writer {
  out = 0
  #left = 0
  #waits = false
  readonly #chain: LimiterChain

  constructor(chain: LimiterChain) {
    this.#chain = chain
    chain.onGrant = (bytes): void => {
      if (!this.#waits) throw new Error('granted what was not waited for')
      this.#put(bytes)
      this.#drive()
    }
  }

  get isFree(): boolean {
    return this.#left === 0
  }

  write(size: number): void {
    this.#left = size
    this.#drive()
  }

  #drive(): void {
    while (this.#left > 0) {
      this.#waits = true
      const bytes = this.#chain.take(this.#left)
      if (bytes === 0) return
      this.#put(bytes)
    }
  }

  #put(bytes: number): void {
    if (bytes < 1 || bytes > this.#left) throw new Error(`granted ${bytes} of ${this.#left}`)
    this.#waits = false
    this.out += bytes
    this.#left -= bytes
  }
}

const given = (...gives: number[]): Told => new Told(() => gives.shift() ?? 0)

describe('a chain', () => {
  it('of nothing, or of what limits nothing, lets all go', () => {
    expect(new LimiterChain([]).take(70)).toBe(70)
    const chain = new LimiterChain([new Told(() => 0, false), new Told(() => 0, false)])
    expect([chain.limited, chain.take(70)]).toEqual([false, 70])
  })

  it('asks the next for no more than the one before has let go, and keeps what is left', () => {
    const [first, second] = [given(60, 40), given(10, 50, 40)]
    const chain = new LimiterChain([first, second])
    expect([chain.take(100), chain.take(90), chain.take(40)]).toEqual([10, 50, 40])
    expect([first.asked, second.asked]).toEqual([
      [100, 40],
      [60, 50, 40],
    ])
  })

  it('tells once of what had to be waited for, at whichever stage', () => {
    const [first, second] = [given(), given(0, 30)]
    const chain = new LimiterChain([first, second])
    const told: number[] = []
    chain.onGrant = (bytes): void => void told.push(bytes)
    expect(chain.take(100)).toBe(0)
    first.grant(60)
    expect(told).toEqual([])
    second.grant(20)
    expect(told).toEqual([20])
    expect([chain.take(80), second.asked]).toEqual([30, [60, 40]])
  })

  it('gives no more than is asked for, however much lies ready', () => {
    const chain = new LimiterChain([given(100), given(0, 5, 5)])
    expect(chain.take(100)).toBe(0)
    expect(chain.take(5)).toBe(5)
  })

  it('does not ask a stage twice that has been asked again while it waits', () => {
    const [first, second] = [given(100), given()]
    const chain = new LimiterChain([first, second])
    chain.take(100)
    chain.take(50)
    expect([first.asked, second.asked]).toEqual([[100], [100, 50]])
  })

  it('obeys a stage from the moment when it limits', () => {
    const late = new Told(() => 7, false)
    const chain = new LimiterChain([late, new Told(() => 100)])
    expect([chain.limited, chain.take(50)]).toEqual([true, 50])
    late.limit()
    expect(chain.take(50)).toBe(7)
  })

  it('loses nothing and asks each stage once for each byte, whatever the stages do and when', () => {
    const script = fc.array(fc.constantFrom(0, 0, 1, 64, 5000, 100_000), { minLength: 200, maxLength: 200 })
    const chunks = fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 12 })
    const stages = fc.array(script, { minLength: 1, maxLength: 4 })
    const grants = fc.infiniteStream(fc.constantFrom(1, 10, 3000, 65_536))
    fc.assert(
      fc.property(stages, chunks, grants, (scripts, sizes, parts) => {
        const all = scripts.map((gives) => new Told(() => gives.shift() ?? 65_536))
        const writer = new Writer(new LimiterChain(all))
        for (const size of sizes) {
          writer.write(size)
          while (!writer.isFree) {
            const [waiting, ...more] = all.filter((stage) => stage.waits)
            expect(more).toEqual([])
            waiting!.grant(Number(parts.next().value))
            const passed = [Infinity, ...all.map((stage) => stage.passed)]
            expect(passed).toEqual(passed.toSorted((one, other) => other - one))
          }
        }
        expect(writer.out).toBe(sum(sizes))
        expect(all.map(({ passed }) => passed)).toEqual(all.map(() => writer.out))
      }),
      { numRuns: 200 },
    )
  })
})

/** Has always more to send along its stages, 64 KiB at a time, and comes back for more a turn of the event loop later. */
class ChainSender {
  bytes = 0
  readonly stages: readonly ShareStage[]
  readonly #chain: LimiterChain
  readonly #clock: ManualClock
  #left = 65_536

  constructor(clock: ManualClock, stages: readonly ShareStage[]) {
    this.#clock = clock
    this.stages = stages
    this.#chain = new LimiterChain(stages)
    this.#chain.onGrant = (bytes): void => {
      this.#put(bytes)
      this.#go()
    }
    this.#go()
  }

  #go(): void {
    for (let bytes = this.#chain.take(this.#left); bytes > 0; bytes = this.#chain.take(this.#left)) {
      this.#put(bytes)
      if (this.#left < 65_536) continue
      this.#clock.after(0, () => this.#go())
      return
    }
  }

  #put(bytes: number): void {
    this.bytes += bytes
    this.#left = this.#left === bytes ? 65_536 : this.#left - bytes
  }
}

/** Users in one shaper, and the node and the circuits in others: each circuit passes two users, the node and itself. */
class World {
  readonly clock: ManualClock = new ManualClock()
  readonly users: Shaper = new Shaper({}, this.clock)
  readonly node: Shaper
  readonly circuits: Shaper = new Shaper({}, this.clock)
  readonly senders: ChainSender[] = []

  constructor(node: ShareLimits = {}) {
    this.node = new Shaper(node, this.clock)
  }

  circuit(source: string, destination: string, own: ShareLimits = {}): ChainSender {
    const circuit = this.circuits.user(String(this.senders.length), own)
    const shares = [this.users.user(source), this.users.user(destination), this.node.user(source), circuit]
    const sender = new ChainSender(
      this.clock,
      shares.map((share) => new ShareStage(share, 'up')),
    )
    this.senders.push(sender)
    return sender
  }

  /** Bytes per second of each circuit, once they have settled. */
  paces(ms = 5000): number[] {
    this.clock.advance(3000)
    const before = this.senders.map(({ bytes }) => bytes)
    this.clock.advance(ms)
    return this.senders.map(({ bytes }, nth) => ((bytes - before[nth]!) * 1000) / ms)
  }
}

const near = (actual: number, wanted: number): void =>
  expect(actual / wanted, `${actual} for ${wanted}`).toSatisfy((ratio: number) => Math.abs(ratio - 1) <= 0.01)

describe('circuits between two users', () => {
  it.each([
    ['its source', { a: MB, b: 5 * MB, node: 20 * MB, own: 8 * MB }],
    ['its destination', { a: 5 * MB, b: MB, node: 20 * MB, own: 8 * MB }],
    ['the node', { a: 5 * MB, b: 4 * MB, node: MB, own: 8 * MB }],
    ['itself', { a: 5 * MB, b: 4 * MB, node: 20 * MB, own: MB }],
    ['all alike', { a: MB, b: MB, node: MB, own: MB }],
    ['its destination, slowly', { a: MB, b: 10 * KB, node: MB, own: MB }],
  ])('go at the pace of the tightest: %s', (_what, { a, b, node, own }) => {
    const world = new World({ up: limit(node) })
    world.users.user('a', { up: limit(a) })
    world.users.user('b', { total: limit(b) })
    world.circuit('a', 'b', { up: limit(own) })
    near(world.paces(20_000)[0]!, Math.min(a, b, node, own))
  })

  it('have the whole of the node, once, in equal parts', () => {
    const world = new World({ up: limit(10 * MB) })
    for (let nth = 0; nth < 20; nth += 1) {
      world.users.user(`a${nth}`, { up: limit(2 * MB) })
      world.users.user(`b${nth}`, { up: limit(3 * MB) })
      world.circuit(`a${nth}`, `b${nth}`)
    }
    const paces = world.paces()
    near(sum(paces), 10 * MB)
    expect(jain(paces)).toBeGreaterThan(0.99)
  })

  it('leave to others what one of their users may not have', () => {
    const world = new World({ up: limit(10 * MB) })
    world.users.user('slow', { up: limit(MB) })
    for (const to of ['slow', 'slow', 'fast', 'free']) world.circuit(`to ${to} ${world.senders.length}`, to)
    const paces = world.paces()
    near(paces[0]! + paces[1]!, MB)
    expect(jain(paces.slice(0, 2))).toBeGreaterThan(0.99)
    near(paces[2]!, 4.5 * MB)
    near(paces[3]!, 4.5 * MB)
  })

  it('share a destination in equal parts, and a source', () => {
    const world = new World()
    world.users.user('hub', { up: limit(5 * MB) })
    for (let nth = 0; nth < 10; nth += 1)
      world.circuit(nth < 5 ? 'hub' : `${nth}`, nth < 5 ? `${nth}` : 'hub')
    const paces = world.paces()
    near(sum(paces), 5 * MB)
    expect(jain(paces)).toBeGreaterThan(0.99)
  })

  it('500 at 50 KB/s each have each their own, to 1 percent', () => {
    const world = new World({ up: limit(50 * MB) })
    for (let nth = 0; nth < 500; nth += 1)
      world.circuit(`a${nth % 40}`, `b${nth % 50}`, { up: limit(50 * KB) })
    const paces = world.paces()
    expect(jain(paces)).toBeGreaterThan(0.999)
    for (const pace of [Math.min(...paces), Math.max(...paces)]) near(pace, 50 * KB)
  })

  it('obey at once what changes, both ways', () => {
    const world = new World()
    world.users.user('a')
    world.circuit('a', 'b', { up: limit(8 * MB) })
    near(world.paces()[0]!, 8 * MB)
    world.users.user('b').set({ up: limit(MB) })
    near(world.paces()[0]!, MB)
    world.node.set({ up: limit(100 * KB) })
    near(world.paces()[0]!, 100 * KB)
    world.node.set({})
    near(world.paces()[0]!, MB)
    world.users.user('b').set({})
    near(world.paces()[0]!, 8 * MB)
  })

  it('leave no timer behind when they are closed', () => {
    const world = new World({ up: limit(MB) })
    world.users.user('b', { up: limit(MB) })
    const sender = world.circuit('a', 'b', { up: limit(10 * KB) })
    world.clock.advance(5000)
    for (const stage of sender.stages) stage.close()
    const { bytes } = sender
    world.clock.advance(60_000)
    expect([sender.bytes, world.clock.timers]).toEqual([bytes, 0])
  })
})
