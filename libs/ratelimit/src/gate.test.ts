import * as fc from 'fast-check'
import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { GateError, RATELIMIT_ERROR_CODES } from './gate-error.ts'
import { Gate, type EnterOptions, type GateLimits } from './gate.ts'
import { ManualClock } from './testing/manual-clock.ts'

const roomy: GateLimits = { slots: 1, maxWaiting: 100_000, maxWaitingBytes: Infinity, timeoutMs: 1000 }

/** A gate of which every visitor is followed: `log` has their names as they got in or the code why not. */
function setUp(limits: Partial<GateLimits> = {}) {
  const clock = new ManualClock()
  const gate = new Gate({ ...roomy, ...limits, clock })
  const log: string[] = []
  const inside: Disposable[] = []
  const come = (key: string, options: EnterOptions = {}, name = key): void => {
    gate.enter(key, options).then(
      (slot) => void (inside.push(slot), log.push(name)),
      (error: unknown) => void log.push(`${name} ${error instanceof GateError ? error.code : String(error)}`),
    )
  }
  const leave = async (): Promise<void> => {
    inside.shift()?.[Symbol.dispose]()
    await settled()
  }
  return { clock, gate, log, inside, come, leave }
}

const counts = (gate: Gate) => [gate.running, gate.waiting, gate.waitingBytes]

describe('slots', () => {
  it('lets in at once up to the number of slots, and one more for each that leaves', async () => {
    const { gate, log, come, leave } = setUp({ slots: 2 })
    for (const key of ['a', 'b', 'c', 'd']) come(key, { cost: 5 })
    await settled()
    expect([log, counts(gate)]).toEqual([
      ['a', 'b'],
      [2, 2, 10],
    ])
    await leave()
    expect([log, counts(gate)]).toEqual([
      ['a', 'b', 'c'],
      [2, 1, 5],
    ])
    for (let i = 0; i < 3; i++) await leave()
    expect(counts(gate)).toEqual([0, 0, 0])
  })

  it('leaving twice frees one slot', async () => {
    const { gate, log, inside, come } = setUp()
    for (const key of ['a', 'b', 'c']) come(key)
    await settled()
    const [slot] = inside
    slot?.[Symbol.dispose]()
    slot?.[Symbol.dispose]()
    await settled()
    expect([log, counts(gate)]).toEqual([
      ['a', 'b'],
      [1, 1, 0],
    ])
  })

  it('reads the system clock unless given another', async () => {
    const gate = new Gate({ ...roomy, slots: 1 })
    const slot = await gate.enter('a')
    const second = gate.enter('b')
    slot[Symbol.dispose]()
    ;(await second)[Symbol.dispose]()
    expect(counts(gate)).toEqual([0, 0, 0])
  })
})

describe('the waiting room is full', () => {
  it('by count, exactly', async () => {
    const { log, come } = setUp({ maxWaiting: 2 })
    for (const key of ['in', 'a', 'b', 'c']) come(key)
    await settled()
    expect(log).toEqual(['in', 'c GATE_FULL'])
  })

  it('by bytes, exactly; who gets in at once has no cost', async () => {
    const { gate, log, come, leave } = setUp({ maxWaitingBytes: 10 })
    come('in', { cost: 1000 })
    for (const cost of [4, 7, 6, 1, 0]) come(`${cost}`, { cost })
    await settled()
    expect([log, counts(gate)]).toEqual([
      ['in', '7 GATE_FULL', '1 GATE_FULL'],
      [1, 3, 10],
    ])
    await leave()
    come('again', { cost: 4 })
    await settled()
    expect(gate.waitingBytes).toBe(10)
  })

  it('for one key, and not for the others', async () => {
    const { log, come, leave } = setUp({ maxWaitingPerKey: 1 })
    come('in')
    for (const key of ['a', 'a', 'b']) come(key)
    await settled()
    await leave()
    come('a')
    await settled()
    expect(log).toEqual(['in', 'a GATE_FULL', 'a'])
  })

  it('with nobody in it, where nobody may wait', async () => {
    const { log, clock, come } = setUp({ maxWaiting: 0 })
    come('in')
    come('a')
    await settled()
    expect([log, clock.timers]).toEqual([['in', 'a GATE_FULL'], 0])
  })

  it('but not with those whose time is up, though no timer came yet', async () => {
    const late = new ManualClock()
    const clock = { now: () => late.now(), after: () => ({ cancel: () => undefined }) }
    const gate = new Gate({ ...roomy, maxWaiting: 1, clock })
    await gate.enter('in')
    const old = gate.enter('old')
    late.advance(1000)
    const fresh = gate.enter('fresh')
    await expect(old).rejects.toThrow(expect.objectContaining({ code: 'GATE_TIMEOUT' }))
    gate.close()
    await expect(fresh).rejects.toThrow(expect.objectContaining({ code: 'GATE_CLOSED' }))
  })
})

describe('deadlines', () => {
  it('end the wait by one timer, which there is only while someone waits', async () => {
    const { clock, gate, log, come, leave } = setUp({ timeoutMs: 100 })
    come('in')
    expect(clock.timers).toBe(0)
    come('a')
    clock.advance(60)
    come('b')
    expect(clock.timers).toBe(1)
    clock.advance(39)
    await settled()
    expect(log).toEqual(['in'])
    clock.advance(1)
    await settled()
    expect(log).toEqual(['in', 'a GATE_TIMEOUT'])
    clock.advance(60)
    await settled()
    expect([log.at(-1), clock.timers, counts(gate)]).toEqual(['b GATE_TIMEOUT', 0, [1, 0, 0]])
    come('c')
    await leave()
    expect([log.at(-1), clock.timers]).toEqual(['c', 0])
  })

  it('are looked at again when a slot comes free: whose time is up gets none', async () => {
    const late = new ManualClock()
    const clock = { now: () => late.now(), after: () => ({ cancel: () => undefined }) }
    const gate = new Gate({ ...roomy, clock })
    const slot = await gate.enter('in')
    const old = gate.enter('old')
    late.advance(1)
    const young = gate.enter('young')
    late.advance(999)
    slot[Symbol.dispose]()
    await expect(old).rejects.toThrow(expect.objectContaining({ code: 'GATE_TIMEOUT' }))
    await expect(young).resolves.toBeDefined()
  })

  it('that a double cannot name do not make timers for no time at all', async () => {
    const clock = new ManualClock(1000.1)
    const gate = new Gate({ ...roomy, timeoutMs: 100, clock })
    await gate.enter('in')
    const refused = gate.enter('a')
    clock.advance(101)
    await expect(refused).rejects.toThrow('no slot came free in 100 ms')
  })
})

describe('abort', () => {
  it('leaves the room with the reason of the signal', async () => {
    const { clock, gate, log, come } = setUp()
    const abort = new AbortController()
    come('in')
    come('a', { signal: abort.signal, cost: 3 })
    abort.abort('gone home')
    await settled()
    expect([log, counts(gate), clock.timers]).toEqual([['in', 'a gone home'], [1, 0, 0], 0])
  })

  it('before coming takes no slot', async () => {
    const { gate, log, come } = setUp()
    come('a', { signal: AbortSignal.abort('no') })
    await settled()
    expect([log, counts(gate)]).toEqual([['a no'], [0, 0, 0]])
  })

  it('once inside, refused or timed out means nothing', async () => {
    const { clock, gate, log, come, leave } = setUp({ maxWaiting: 2, timeoutMs: 10 })
    const abort = new AbortController()
    for (const name of ['in', 'a', 'b', 'full']) come('k', { signal: abort.signal }, name)
    await settled()
    await leave()
    clock.advance(10)
    abort.abort('late')
    await settled()
    await leave()
    expect(counts(gate)).toEqual([0, 0, 0])
    expect(log).toEqual(['in', 'full GATE_FULL', 'a', 'b GATE_TIMEOUT'])
  })
})

describe('set', () => {
  it('more slots let in who waits; fewer wait for those inside to leave', async () => {
    const { gate, log, come, leave } = setUp()
    for (const key of ['a', 'b', 'c', 'd']) come(key)
    gate.set({ slots: 3 })
    await settled()
    expect(log).toEqual(['a', 'b', 'c'])
    gate.set({ slots: 1 })
    await leave()
    await leave()
    expect([log.length, gate.running]).toEqual([3, 1])
    await leave()
    expect([log.at(-1), gate.running]).toEqual(['d', 1])
  })

  it('a smaller room sends nobody away and lets nobody come', async () => {
    const { gate, log, come } = setUp()
    for (const key of ['in', 'a', 'b']) come(key)
    gate.set({ maxWaiting: 1 })
    come('c')
    await settled()
    expect([log, gate.waiting]).toEqual([['in', 'c GATE_FULL'], 2])
  })

  it('another timeout holds for those who wait as well', async () => {
    const { clock, gate, log, come } = setUp({ timeoutMs: 100 })
    for (const key of ['in', 'a']) come(key)
    clock.advance(50)
    gate.set({ timeoutMs: 200 })
    clock.advance(149)
    await settled()
    expect([log, clock.timers]).toEqual([['in'], 1])
    gate.set({ timeoutMs: 199 })
    await settled()
    expect([log, clock.timers]).toEqual([['in', 'a GATE_TIMEOUT'], 0])
  })

  it('a shorter timeout ends waits that much sooner', async () => {
    const { clock, log, gate, come } = setUp({ timeoutMs: 1000 })
    for (const key of ['in', 'a']) come(key)
    gate.set({ timeoutMs: 100 })
    clock.advance(100)
    await settled()
    expect(log).toEqual(['in', 'a GATE_TIMEOUT'])
  })

  it.each([
    { slots: -1 },
    { maxWaiting: NaN },
    { maxWaitingBytes: -1 },
    { maxWaitingPerKey: NaN },
    { timeoutMs: 0 },
  ])('refuses %j, also at the start, and stays as it was', async (bad) => {
    const { gate, log, come } = setUp()
    expect(() => new Gate({ ...roomy, ...bad })).toThrow(RangeError)
    expect(() => gate.set(bad)).toThrow(RangeError)
    come('a')
    await settled()
    expect(log).toEqual(['a'])
  })
})

it('close refuses all who wait and all who come, and leaves those inside alone', async () => {
  const { clock, gate, log, come, leave } = setUp()
  for (const key of ['in', 'a', 'b']) come(key)
  gate.close()
  gate.close()
  come('c')
  await settled()
  expect(log.toSorted()).toEqual(['a GATE_CLOSED', 'b GATE_CLOSED', 'c GATE_CLOSED', 'in'])
  expect([counts(gate), clock.timers]).toEqual([[1, 0, 0], 0])
  await leave()
  expect(gate.running).toBe(0)
})

it.each([{ cost: -1 }, { cost: NaN }, { weight: 0.5 }, { weight: NaN }, { weight: Infinity }])(
  'refuses to let in with %j',
  async (bad) => {
    await expect(new Gate(roomy).enter('a', bad)).rejects.toThrow(RangeError)
  },
)

it('its codes are the codes of the library', () => {
  expect(RATELIMIT_ERROR_CODES).toEqual(['GATE_CLOSED', 'GATE_FULL', 'GATE_TIMEOUT'])
  expect(new GateError('GATE_FULL', 'why')).toMatchObject({
    name: 'GateError',
    code: 'GATE_FULL',
    message: 'why',
  })
})

describe('fairness', () => {
  it('a key with 10,000 waiting does not hold up the one that waits under another', async () => {
    const { log, come, leave } = setUp()
    come('in')
    for (let i = 0; i < 10_000; i++) come('many')
    come('one')
    await settled()
    await leave()
    await leave()
    expect(log).toEqual(['in', 'many', 'one'])
  })

  it('coming back each time gets one key as much as always waiting gets another', async () => {
    const { log, come, leave } = setUp()
    come('in')
    for (let i = 0; i < 1000; i++) come('many')
    await settled()
    for (let i = 0; i < 100; i++) {
      come('one')
      await leave()
      await leave()
    }
    expect(log.filter((key) => key === 'one')).toHaveLength(100)
  })

  it('under one key it is first come, first served', async () => {
    const { log, come, leave } = setUp()
    const names = Array.from({ length: 50 }, (_, i) => `${i}`)
    for (const name of names) come('key', { weight: 1 + (Number(name) % 3) }, name)
    for (const _ of names) await leave()
    expect(log).toEqual(names)
  })

  it('keys that all wait are never more than two rounds apart, by weight', async () => {
    const weights = fc.array(fc.double({ min: 1, max: 9, noNaN: true }), { minLength: 2, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(weights, fc.integer({ min: 1, max: 60 }), async (keys, admissions) => {
        const { log, come, leave } = setUp()
        come('in')
        for (const [key, weight] of keys.entries()) for (let i = 0; i < 70; i++) come(`${key}`, { weight })
        await settled()
        for (let i = 0; i < admissions; i++) await leave()
        const rounds = keys.map((weight, key) => log.filter((name) => name === `${key}`).length / weight)
        expect(Math.max(...rounds) - Math.min(...rounds)).toBeLessThanOrEqual(2)
      }),
      { numRuns: 30 },
    )
  })
})
