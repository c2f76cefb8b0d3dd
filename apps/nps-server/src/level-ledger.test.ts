import { ManualClock, Shaper } from '@sluice/ratelimit'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BookingRounds } from './booking-rounds.ts'
import { type AnyLevel, BATCH_MAX, LevelLedger } from './level-ledger.ts'
import type { ClientRecord, TunnelRecord } from './records.ts'
import { LiveClient, LiveTunnel } from './registry.ts'
import type { FlowEntry, PeriodFlow } from './store/flow-table.ts'

const log = { error: () => {}, info: () => {} }

const RECORD: ClientRecord = {
  id: 0,
  remark: '',
  enabled: true,
  limits: {},
  createdAt: 0,
  crypt: false,
  compress: false,
  selection: 'primary',
  mayConfigure: false,
}

const TUNNEL: TunnelRecord = {
  id: 0,
  clientId: 0,
  remark: '',
  enabled: true,
  limits: {},
  createdAt: 0,
  mode: 'tcp',
  targets: [],
  balance: 'roundRobin',
}

/** Levels that are counted, removed and added between the batches of a ledger, and a store that takes them or fails. */
class Scene {
  readonly present: Map<number, AnyLevel> = new Map()
  /** Of all that there ever were: bytes up that passed, and those in the store. */
  readonly passed: Map<AnyLevel, number> = new Map()
  readonly booked: Map<number, number> = new Map()
  readonly batches: number[] = []
  readonly ledger: LevelLedger
  fails = false
  readonly #shaper = new Shaper()

  constructor(levels: number, batchMax?: number) {
    const store = { book: (entries: readonly FlowEntry[]) => this.#book(entries) }
    this.ledger = new LevelLedger({ store, log, now: () => 0, ...(batchMax !== undefined && { batchMax }) })
    for (let nth = 0; nth < levels; nth += 1) this.add()
  }

  add(): void {
    const id = this.passed.size + 1
    const level = new LiveClient({ ...RECORD, id }, this.#shaper, () => {})
    this.present.set(id, level)
    this.passed.set(level, 0)
  }

  /** Removed ones too: what passes while their sessions end. */
  pass(nth: number, bytes: number): void {
    const [level, before = 0] = [...this.passed][nth % this.passed.size] ?? []
    if (level === undefined) return
    level.account.count('up', bytes)
    if (!this.present.has(level.record.id)) this.ledger.leave(level)
    this.passed.set(level, before + bytes)
  }

  passAll(): void {
    for (let nth = 0; nth < this.passed.size; nth += 1) this.pass(nth, nth + 1)
  }

  remove(nth: number): void {
    const level = [...this.present.values()][nth % this.present.size]
    if (level === undefined) return
    this.present.delete(level.record.id)
    this.ledger.leave(level)
  }

  flush(): number | 'none' | undefined {
    return this.ledger.flush(this.present.values())
  }

  /** Each level's bytes that passed, beside those that the store has and those that it will be told. */
  sums(): { passed: number[]; known: number[]; stored: number[] } {
    const stored = [...this.passed.keys()].map(({ record }) => this.booked.get(record.id) ?? 0)
    const known = [...this.passed.keys()].map(
      (level, nth) => (stored[nth] ?? 0) + this.ledger.unbooked(level).inlet,
    )
    return { passed: [...this.passed.values()], known, stored }
  }

  #book(entries: readonly FlowEntry[]): { revision: number; totals: PeriodFlow[] } {
    this.batches.push(entries.length)
    if (this.fails) throw new Error('disk full')
    const totals = entries.map(({ kind, id, inlet }) => {
      const sum = (this.booked.get(id) ?? 0) + inlet
      this.booked.set(id, sum)
      return { kind, id, inlet: sum, export: 0, period: 'all' }
    })
    return { revision: this.batches.length, totals }
  }
}

const step: fc.Arbitrary<(scene: Scene) => void> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.nat({ max: 30 }), fc.integer({ min: 1, max: 2 ** 40 }))
      .map((args) => (scene: Scene) => scene.pass(...args)),
  },
  {
    weight: 4,
    arbitrary: fc.boolean().map((fails) => (scene: Scene) => {
      scene.fails = fails
      scene.flush()
    }),
  },
  { weight: 1, arbitrary: fc.nat({ max: 30 }).map((nth) => (scene: Scene) => scene.remove(nth)) },
  { weight: 1, arbitrary: fc.constant((scene: Scene) => scene.add()) },
)

test('between its batches levels count, come and go, and nothing is lost or booked twice', () => {
  const steps = fc.array(step, { maxLength: 60 })
  const property = fc.property(fc.integer({ min: 1, max: 4 }), steps, (batchMax, each) => {
    const scene = new Scene(6, batchMax)
    for (const act of each) {
      act(scene)
      const { passed, known } = scene.sums()
      expect(known).toEqual(passed)
      for (const [level, sum] of scene.passed) expect(level.account.used).toBe(sum)
    }
    scene.fails = false
    scene.ledger.startOver()
    for (let calls = 0; scene.flush() !== 'none'; calls += 1) expect(calls).toBeLessThan(100)
    const { passed, stored } = scene.sums()
    expect(stored).toEqual(passed)
    expect(Math.max(0, ...scene.batches)).toBeLessThanOrEqual(batchMax)
  })
  fc.assert(property, { numRuns: 300 })
})

test('no batch has more than its number of levels, and a round reaches each of them once', () => {
  const scene = new Scene(2 * BATCH_MAX + 1)
  scene.passAll()
  scene.flush()
  // What is behind the place of the round is found by the next one.
  scene.pass(0, 7)
  expect(scene.ledger.isUnderWay).toBe(true)
  scene.flush()
  scene.flush()
  expect(scene.ledger.isUnderWay).toBe(false)
  expect(scene.batches).toEqual([BATCH_MAX, BATCH_MAX, 1])
  const { passed, stored } = scene.sums()
  expect([passed[0], stored[0]]).toEqual([8, 1])
  expect(stored.slice(1)).toEqual(passed.slice(1))
})

/** Levels that have counted: of each client so many, itself among them. */
const clients = (...sizes: number[]): AnyLevel[] => {
  const shaper = new Shaper()
  let tunnels = 0
  const levels = sizes.flatMap((size, nth): AnyLevel[] => {
    const client = new LiveClient({ ...RECORD, id: nth + 1 }, shaper, () => {})
    const its = Array.from({ length: size - 1 }, () => {
      tunnels += 1
      const record: TunnelRecord = { ...TUNNEL, id: tunnels, clientId: nth + 1 }
      return new LiveTunnel(record, client, shaper, () => {})
    })
    return [client, ...its]
  })
  for (const { account } of levels) account.count('up', 1)
  return levels
}

test.each([
  ['a client and its tunnels', [2, 4, 1, 1], [6, 2]],
  ['no more of one client than four times as many', [1, 20, 2], [16, 5, 2]],
])('a batch has %s', (_, sizes, expected) => {
  const batches: number[] = []
  const store = {
    book: (entries: readonly FlowEntry[]) => {
      batches.push(entries.length)
      return { revision: 0, totals: [] }
    },
  }
  const ledger = new LevelLedger({ store, log, now: () => 0, batchMax: 4 })
  const levels = clients(...sizes)
  while (ledger.flush(levels) !== 'none');
  expect(batches).toEqual(expected)
})

test('one booking is one batch in a turn of its own, and a store that fails is left alone until the next round', () => {
  const scene = new Scene(3 * BATCH_MAX)
  const clock = new ManualClock()
  const book = (): boolean => {
    scene.flush()
    return scene.ledger.isUnderWay
  }
  const rounds = new BookingRounds({ clock, book })
  scene.passAll()
  rounds.begin()
  rounds.begin()
  expect(scene.batches).toHaveLength(1)
  clock.advance(1)
  expect(scene.batches).toHaveLength(2)
  scene.fails = true
  clock.advance(1000)
  expect(scene.batches).toHaveLength(3)
  scene.fails = false
  rounds.begin()
  clock.advance(1000)
  expect(scene.sums().stored).toEqual(scene.sums().passed)
  scene.passAll()
  rounds.begin()
  const before = scene.batches.length
  rounds.stop()
  clock.advance(1000)
  expect(scene.batches).toHaveLength(before)
  expect(clock.timers).toBe(0)
})
