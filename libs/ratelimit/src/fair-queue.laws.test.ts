import { describe, expect, it } from 'vitest'
import { chance, QueueSimulation } from './testing/queue-simulation.ts'

// What the queue promises to many over some time, by a clock that stands still while they act.

const SERVICE_MS = 100
const fixed = (): number => SERVICE_MS

/** Of the mean of `fixed`, from ever the same values to ever other ones. */
function heldTimes(name: string, random: () => number): () => number {
  if (name === 'even') return () => 2 * SERVICE_MS * random()
  if (name === 'exponential') return () => -SERVICE_MS * Math.log(1 - random())
  if (name === 'few long ones') return () => (random() < 0.9 ? 20 : 820)
  if (name === 'nearly fixed') return () => SERVICE_MS * (0.98 + 0.04 * random())
  return fixed
}

const goodput = ({ busyMs, clock }: QueueSimulation): number => busyMs / (20 * clock.now())

describe('one user who floods', () => {
  it.each(['fixed', 'nearly fixed', 'even', 'exponential'])(
    'does not make another wait for long, whose requests take the same: %s',
    async (name) => {
      const random = chance(1)
      const heldMs = heldTimes(name, random)
      const sim = new QueueSimulation()
      sim.loop({ user: 'heavy', client: 'a', heldMs }, 400)
      sim.stream({ user: 'light', client: 'b', heldMs, gapMs: () => 100 * (0.5 + random()) })
      await sim.run(60_000)
      expect(sim.codesOf('light')['OK']).toBeGreaterThan(500)
      expect(Object.keys(sim.codesOf('light'))).toEqual(['OK'])
      expect(sim.waitOf('light', 0.99)).toBeLessThanOrEqual((2 * SERVICE_MS) / 20 + 20)
      expect(goodput(sim)).toBeGreaterThan(0.975)
    },
  )

  it.each(['fixed', 'nearly fixed', 'even', 'exponential', 'few long ones'])(
    'has all slots when alone, whatever its requests take: %s',
    async (name) => {
      const sim = new QueueSimulation()
      sim.loop({ user: 'heavy', client: 'a', heldMs: heldTimes(name, chance(2)) }, 400)
      await sim.run(30_000)
      expect(goodput(sim)).toBeGreaterThan(0.97)
    },
  )

  it('holds half of the slots when another wants as much', async () => {
    const sim = new QueueSimulation()
    sim.loop({ user: 'heavy', client: 'a', heldMs: fixed }, 1000)
    sim.loop({ user: 'other', client: 'a', heldMs: fixed, fromMs: 1000 }, 20)
    await sim.run(2000)
    for (let ms = 2000; ms < 4000; ms += 10) {
      await sim.run(ms)
      expect(sim.queue.look('heavy').running).toBeLessThanOrEqual(10)
    }
    expect(goodput(sim)).toBeGreaterThan(0.97)
  })
})

describe('shares', () => {
  const used = (sim: QueueSimulation, user: string): number => sim.usedMs.get(user) ?? 0

  it('are of time held, not of requests: who asks for more at a time gets fewer', async () => {
    const random = chance(3)
    const sim = new QueueSimulation()
    const heldMs = { a: () => 10 + 20 * random(), b: () => 500 * random(), c: () => 100 }
    for (const [user, held] of Object.entries(heldMs)) sim.loop({ user, client: 'x', heldMs: held }, 100)
    await sim.run(60_000)
    const third = (20 * 60_000) / 3
    for (const user of ['a', 'b', 'c']) {
      expect(used(sim, user)).toBeGreaterThan(0.96 * third)
      expect(used(sim, user)).toBeLessThan(1.02 * third)
    }
  })

  it('are by weight', async () => {
    const sim = new QueueSimulation()
    for (const weight of [1, 2, 3, 4]) {
      sim.loop({ user: `${weight}`, client: 'x', weight, heldMs: () => 20 * weight }, 100)
    }
    await sim.run(30_000)
    for (const weight of [1, 2, 3, 4]) {
      expect(used(sim, `${weight}`) / (20 * 30_000)).toBeCloseTo(weight / 10, 1.5)
    }
  })

  it("of a user's clients are alike, however many each sends and whatever they take", async () => {
    const sim = new QueueSimulation()
    sim.loop({ user: 'a', client: 'many', heldMs: () => 30 }, 500)
    sim.loop({ user: 'a', client: 'slow', heldMs: () => 200 }, 50)
    sim.loop({ user: 'b', client: 'other', heldMs: fixed }, 50)
    await sim.run(30_000)
    const [many, slow] = [sim.usedMs.get('a many') ?? 0, sim.usedMs.get('a slow') ?? 0]
    expect(many / slow).toBeCloseTo(1, 1)
    expect((many + slow) / used(sim, 'b')).toBeCloseTo(1, 1)
  })

  it('are not made up for who was away, nor forgotten of who took more than they seemed to', async () => {
    const sim = new QueueSimulation()
    sim.loop({ user: 'here', client: 'x', heldMs: fixed }, 100)
    sim.loop({ user: 'there', client: 'x', heldMs: fixed }, 100)
    sim.loop({ user: 'late', client: 'x', heldMs: fixed, fromMs: 10_000 }, 100)
    await sim.run(10_000)
    const before = used(sim, 'here')
    await sim.run(20_000)
    expect((used(sim, 'here') - before) / (20 * 10_000)).toBeCloseTo(1 / 3, 1.5)
    expect(used(sim, 'late') / (20 * 10_000)).toBeCloseTo(1 / 3, 1.5)
  })

  it('of many who each want one at a time are no more than a round apart', async () => {
    const sim = new QueueSimulation()
    for (let i = 0; i < 400; i++) sim.loop({ user: `user ${i}`, client: 'x', heldMs: fixed }, 1)
    await sim.run(30_000)
    const used = Array.from({ length: 400 }, (_, i) => sim.usedMs.get(`user ${i}`) ?? 0)
    // 400 people, 200 a second: a round is two seconds.
    expect(Math.max(...sim.visits.map(({ waitedMs }) => waitedMs))).toBeLessThanOrEqual(2 * 2000)
    expect(Math.max(...used) - Math.min(...used)).toBeLessThanOrEqual(SERVICE_MS)
  })
})

describe('shedding', () => {
  const overload = { client: 'x', heldMs: fixed, gapMs: () => 1 }

  it('keeps accepted waits near the target at five times what can be done, and all slots in use', async () => {
    const random = chance(4)
    const sim = new QueueSimulation({ shedTargetMs: 500 })
    sim.stream({ ...overload, user: 'heavy', toMs: 60_000 })
    sim.stream({ ...overload, user: 'light', gapMs: () => 500 * (0.5 + random()) })
    await sim.run(60_000)
    expect(sim.waitOf('heavy', 0.99)).toBeLessThan(2000 - SERVICE_MS)
    expect(sim.waitOf('heavy', 0.99, 10_000)).toBeLessThan(600)
    expect(goodput(sim)).toBeGreaterThan(0.95)
    expect(sim.queue.look().waiting).toBeLessThan(1000)
    expect(Object.keys(sim.codesOf('light'))).toEqual(['OK'])
    await sim.run(65_000)
    expect(sim.waitOf('light', 1, 61_000)).toBe(0)
    expect(sim.queue.look()).toMatchObject({ waiting: 0, oldestMs: 0, expectedWaitMs: 0 })
  })

  it('is the same for five hundred who ask too often as for one', async () => {
    const random = chance(5)
    const sim = new QueueSimulation({ shedTargetMs: 500 })
    for (let i = 0; i < 500; i++) {
      sim.stream({ ...overload, user: `user ${i}`, gapMs: () => 1000 * random(), fromMs: i })
    }
    await sim.run(20_000)
    const waits = sim.visits.filter(({ code }) => code === undefined).map(({ waitedMs }) => waitedMs)
    expect(waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)]).toBeLessThan(1900)
    expect(goodput(sim)).toBeGreaterThan(0.95)
  })

  it('lets a burst pass', async () => {
    const sim = new QueueSimulation({ shedTargetMs: 500 })
    sim.stream({ ...overload, user: 'a', toMs: 180 })
    await sim.run(3000)
    expect(sim.codesOf('a')).toEqual({ OK: 180 })
  })
})
