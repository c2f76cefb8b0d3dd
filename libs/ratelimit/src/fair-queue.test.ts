import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'
import { QueueError, RATELIMIT_ERROR_CODES } from './queue-error.ts'
import type { QueueLimits, QueueSlot, QueueTicket } from './queue-types.ts'
import { ManualClock } from './testing/manual-clock.ts'

const roomy: QueueLimits = { slots: 1, maxWaiting: 100_000, maxWaitingBytes: Infinity, timeoutMs: 1000 }

/** A queue of which everybody is followed: `log` has their names as they got a slot, or the code why not. */
function setUp(limits: Partial<QueueLimits> = {}) {
  const clock = new ManualClock()
  const queue = new FairQueue({ ...roomy, ...limits, clock })
  const log: string[] = []
  const inside: QueueSlot[] = []
  const come = (user: string, ticket: Partial<QueueTicket> = {}, name = user): void => {
    queue.enter({ user, client: 'x', ...ticket }).then(
      (slot) => void (inside.push(slot), log.push(name)),
      (error: unknown) =>
        void log.push(`${name} ${error instanceof QueueError ? error.code : String(error)}`),
    )
  }
  /** The one that has been there longest has had its slot for so long, and leaves. */
  const leave = async (heldMs = 0): Promise<void> => {
    clock.advance(heldMs)
    inside.shift()?.[Symbol.dispose]()
    await settled()
  }
  return { clock, queue, log, inside, come, leave }
}

const counts = (queue: FairQueue) => [queue.running, queue.waiting, queue.waitingBytes]

describe('slots', () => {
  it('are given at once while there are any, then one for each that is given back', async () => {
    const { queue, log, come, leave } = setUp({ slots: 2 })
    for (const user of ['a', 'b', 'c', 'd']) come(user, { bytes: 5 })
    await settled()
    expect([log, counts(queue)]).toEqual([
      ['a', 'b'],
      [2, 2, 10],
    ])
    await leave()
    expect([log, counts(queue)]).toEqual([
      ['a', 'b', 'c'],
      [2, 1, 5],
    ])
    for (let i = 0; i < 3; i++) await leave()
    expect(counts(queue)).toEqual([0, 0, 0])
  })

  it('given back twice are given back once', async () => {
    const { queue, log, inside, come } = setUp()
    for (const user of ['a', 'b', 'c']) come(user)
    await settled()
    const [slot] = inside
    slot?.[Symbol.dispose]()
    slot?.[Symbol.dispose]()
    await settled()
    expect([log, counts(queue)]).toEqual([
      ['a', 'b'],
      [1, 1, 0],
    ])
  })

  it('tell how long they were waited for', async () => {
    const { inside, come, leave } = setUp()
    come('a')
    come('b')
    await settled()
    await leave(70)
    expect(inside[0]?.waitedMs).toBe(70)
  })

  it('go by the system clock unless given another', async () => {
    const queue = new FairQueue(roomy)
    const slot = await queue.enter({ user: 'a', client: 'x' })
    const second = queue.enter({ user: 'b', client: 'x' })
    slot[Symbol.dispose]()
    ;(await second)[Symbol.dispose]()
    expect(counts(queue)).toEqual([0, 0, 0])
  })
})

describe('turns', () => {
  it('a user with 10,000 waiting does not hold up the one of another', async () => {
    const { log, come, leave } = setUp()
    come('in')
    for (let i = 0; i < 10_000; i++) come('many')
    come('one')
    await settled()
    await leave(10)
    await leave(10)
    expect(log).toEqual(['in', 'many', 'one'])
  })

  it('go to high priority first within a user, and say nothing of others', async () => {
    const { log, come, leave } = setUp()
    come('in')
    for (const priority of [2, 1, 0, 2, 1, 0]) come('a', { priority, client: `${priority}` }, `a${priority}`)
    come('b', { priority: 2 })
    await settled()
    for (let i = 0; i < 8; i++) await leave(10)
    expect(log).toEqual(['in', 'a0', 'b', 'a0', 'a1', 'a1', 'a2', 'a2'])
  })

  it('are first come, first served of one client', async () => {
    const { log, come, leave } = setUp()
    const names = Array.from({ length: 50 }, (_, i) => `${i}`)
    for (const name of names) come('a', {}, name)
    await settled()
    for (const name of names) await leave(Number(name) % 7)
    expect(log).toEqual(names)
  })

  it('alternate between clients of a user', async () => {
    const { log, come, leave } = setUp()
    come('in')
    for (let i = 0; i < 5; i++) come('a', { client: 'many' }, 'many')
    for (let i = 0; i < 2; i++) come('a', { client: 'few' }, 'few')
    await settled()
    for (let i = 0; i < 6; i++) await leave(10)
    expect(log.slice(1)).toEqual(['many', 'few', 'many', 'few', 'many', 'many'])
  })
})

describe('a full room', () => {
  it('by count, exactly', async () => {
    const { log, come } = setUp({ maxWaiting: 2 })
    for (const user of ['in', 'a', 'b', 'c']) come(user)
    await settled()
    expect(log).toEqual(['in', 'c QUEUE_FULL'])
  })

  it('by bytes, exactly; who gets in at once brings none', async () => {
    const { queue, log, come, leave } = setUp({ maxWaitingBytes: 10 })
    come('in', { bytes: 1000 })
    for (const bytes of [4, 7, 6, 1, 0]) come('a', { bytes }, `${bytes}`)
    await settled()
    expect([log, counts(queue)]).toEqual([
      ['in', '7 QUEUE_FULL', '1 QUEUE_FULL'],
      [1, 3, 10],
    ])
    await leave()
    come('a', { bytes: 4 })
    await settled()
    expect(queue.waitingBytes).toBe(10)
  })

  it('has places for those with fewer: the newest of whoever holds most goes', async () => {
    const { log, queue, come } = setUp({ maxWaiting: 4 })
    come('in')
    for (const name of ['h1', 'h2', 'h3', 'h4', 'h5']) come('heavy', {}, name)
    for (const name of ['l1', 'l2', 'l3']) come('light', {}, name)
    await settled()
    expect(log).toEqual(['in', 'h5 QUEUE_FULL', 'h4 QUEUE_FULL', 'h3 QUEUE_FULL', 'l3 QUEUE_FULL'])
    expect(queue.waiting).toBe(4)
  })

  it('has bytes for those with fewer: what brings none stays', async () => {
    const { log, queue, come } = setUp({ maxWaitingBytes: 100 })
    come('in')
    for (const bytes of [50, 30, 20, 0]) come('heavy', { bytes }, `h${bytes}`)
    come('light', { bytes: 25 }, 'l25')
    come('light', { bytes: 60 }, 'l60')
    await settled()
    expect(log).toEqual(['in', 'h20 QUEUE_FULL', 'h30 QUEUE_FULL', 'l60 QUEUE_FULL'])
    expect([queue.waiting, queue.waitingBytes]).toEqual([3, 75])
  })

  it('sends nobody away for one who finds no place even so', async () => {
    const { log, queue, come } = setUp({ maxWaitingBytes: 100 })
    come('in')
    for (const user of ['a', 'b', 'c', 'd', 'e']) come(user, { bytes: 20 })
    come('f', { bytes: 19 })
    come('g', { bytes: 101 })
    await settled()
    expect(log).toEqual(['in', 'f QUEUE_FULL', 'g QUEUE_FULL'])
    expect(queue.waitingBytes).toBe(100)
  })

  it('by weight', async () => {
    const { log, come } = setUp({ maxWaiting: 4 })
    come('in')
    for (let i = 0; i < 4; i++) come('a', { weight: 3 })
    for (let i = 0; i < 2; i++) come('b')
    await settled()
    expect(log).toEqual(['in', 'a QUEUE_FULL', 'b QUEUE_FULL'])
  })

  it('with nobody in it, where nobody may wait', async () => {
    const { log, clock, come } = setUp({ maxWaiting: 0, slots: 2 })
    for (const user of ['a', 'a', 'a']) come(user)
    await settled()
    expect([log, clock.timers]).toEqual([['a QUEUE_FULL', 'a', 'a'].toSorted(), 0])
  })

  it('but not with those whose time is up, though no timer came yet', async () => {
    const late = new ManualClock()
    const clock = { now: () => late.now(), after: () => ({ cancel: () => undefined }) }
    const queue = new FairQueue({ ...roomy, maxWaiting: 1, clock })
    await queue.enter({ user: 'in', client: 'x' })
    const old = queue.enter({ user: 'old', client: 'x' })
    late.advance(1000)
    const fresh = queue.enter({ user: 'fresh', client: 'x' })
    await expect(old).rejects.toThrow(expect.objectContaining({ code: 'QUEUE_TIMEOUT' }))
    queue.close()
    await expect(fresh).rejects.toThrow(expect.objectContaining({ code: 'QUEUE_CLOSED' }))
  })
})

describe('deadlines', () => {
  it('end the wait by one timer, which there is only while someone waits', async () => {
    const { clock, queue, log, come, leave } = setUp({ timeoutMs: 100 })
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
    expect(log).toEqual(['in', 'a QUEUE_TIMEOUT'])
    clock.advance(60)
    await settled()
    expect([log.at(-1), clock.timers, counts(queue)]).toEqual(['b QUEUE_TIMEOUT', 0, [1, 0, 0]])
    come('c')
    await leave()
    expect([log.at(-1), clock.timers]).toEqual(['c', 0])
  })

  it('are looked at again when a slot comes free: whose time is up gets none', async () => {
    const late = new ManualClock()
    const clock = { now: () => late.now(), after: () => ({ cancel: () => undefined }) }
    const queue = new FairQueue({ ...roomy, clock })
    const slot = await queue.enter({ user: 'in', client: 'x' })
    const old = queue.enter({ user: 'old', client: 'x' })
    late.advance(1)
    const young = queue.enter({ user: 'young', client: 'x' })
    late.advance(999)
    slot[Symbol.dispose]()
    await expect(old).rejects.toThrow(expect.objectContaining({ code: 'QUEUE_TIMEOUT' }))
    await expect(young).resolves.toMatchObject({ waitedMs: 999 })
  })
})

describe('abort', () => {
  it('leaves with the reason of the signal, and frees the place', async () => {
    const { clock, queue, log, come } = setUp()
    const abort = new AbortController()
    come('in')
    come('a', { signal: abort.signal, bytes: 3 })
    abort.abort('gone home')
    await settled()
    expect([log, counts(queue), clock.timers]).toEqual([['a gone home', 'in'], [1, 0, 0], 0])
  })

  it('of a guest is to leave its place: it is told nothing, unless that is decided already', async () => {
    const { clock, queue, log, come, leave } = setUp({ timeoutMs: 10 })
    come('in')
    const told: unknown[] = []
    const guest = {
      onSlot: () => void told.push('slot'),
      onRefused: (reason: Error) => void told.push(reason),
    }
    const join = () => queue.join({ user: 'a', client: 'x', bytes: 3 }, guest)
    expect([join()?.leave(), counts(queue)]).toEqual([true, [1, 0, 0]])
    const place = join()
    await settled()
    await leave()
    expect([place?.leave(), told.splice(0)]).toEqual([false, ['slot']])
    const late = join()
    clock.advance(10)
    expect([late?.leave(), told]).toEqual([false, []])
    await settled()
    expect([told, log]).toEqual([[expect.objectContaining({ code: 'QUEUE_TIMEOUT' })], ['in']])
  })

  it('lets a guest that is told come again at once', async () => {
    const { queue, leave, come } = setUp({ maxWaiting: 1 })
    come('in')
    const told: string[] = []
    const ticket = { user: 'a', client: 'x' }
    const again = { onSlot: () => void told.push('again'), onRefused: () => void told.push('refused again') }
    const guest = {
      onSlot: (slot: QueueSlot) => {
        told.push('slot')
        queue.join(ticket, again)
        slot[Symbol.dispose]()
      },
      onRefused: () => void queue.join(ticket, { ...again, onRefused: () => void told.push('refused') }),
    }
    expect(queue.join(ticket, guest)).toBeDefined()
    expect([queue.join(ticket, guest), told]).toEqual([undefined, []])
    await settled()
    expect(told).toEqual(['refused'])
    await leave()
    await settled()
    expect(told).toEqual(['refused', 'slot', 'again'])
  })

  it('before coming takes no slot', async () => {
    const { queue, log, come } = setUp()
    come('a', { signal: AbortSignal.abort('no') })
    await settled()
    expect([log, counts(queue)]).toEqual([['a no'], [0, 0, 0]])
  })

  it('means nothing to who has a slot, was refused or timed out', async () => {
    const { clock, queue, log, come, leave } = setUp({ maxWaiting: 2, timeoutMs: 10 })
    const abort = new AbortController()
    for (const name of ['in', 'a', 'b', 'full']) come('k', { signal: abort.signal }, name)
    await settled()
    await leave()
    clock.advance(10)
    abort.abort('late')
    await settled()
    await leave()
    expect(counts(queue)).toEqual([0, 0, 0])
    expect(log).toEqual(['in', 'full QUEUE_FULL', 'a', 'b QUEUE_TIMEOUT'])
  })
})

describe('set', () => {
  it('more slots are given out at once; fewer wait to be given back', async () => {
    const { queue, log, come, leave } = setUp()
    for (const user of ['a', 'b', 'c', 'd']) come(user)
    queue.set({ slots: 3 })
    await settled()
    expect(log).toEqual(['a', 'b', 'c'])
    queue.set({ slots: 1 })
    await leave()
    await leave()
    expect([log.length, queue.running]).toEqual([3, 1])
    await leave()
    expect([log.at(-1), queue.running]).toEqual(['d', 1])
  })

  it('a smaller room sends nobody away and lets nobody come', async () => {
    const { queue, log, come } = setUp()
    for (const user of ['in', 'a', 'b']) come(user)
    queue.set({ maxWaiting: 1 })
    come('c')
    await settled()
    expect([log, queue.waiting]).toEqual([['in', 'c QUEUE_FULL'], 2])
  })

  it('a smaller room still has one place for another', async () => {
    const { queue, log, come } = setUp()
    come('in')
    for (let i = 1; i <= 6; i++) come('heavy', {}, `h${i}`)
    queue.set({ maxWaiting: 2 })
    come('light')
    await settled()
    expect([log, queue.waiting]).toEqual([['in', 'h6 QUEUE_FULL'], 6])
  })

  it('another timeout holds for those who wait as well', async () => {
    const { clock, queue, log, come } = setUp({ timeoutMs: 100 })
    for (const user of ['in', 'a']) come(user)
    clock.advance(50)
    queue.set({ timeoutMs: 200 })
    clock.advance(149)
    await settled()
    expect([log, clock.timers]).toEqual([['in'], 1])
    queue.set({ timeoutMs: 199 })
    await settled()
    expect([log, clock.timers]).toEqual([['in', 'a QUEUE_TIMEOUT'], 0])
  })

  it.each([
    { slots: -1 },
    { maxWaiting: NaN },
    { maxWaitingBytes: -1 },
    { timeoutMs: 0 },
    { shedTargetMs: 0 },
    { shedTargetMs: NaN },
  ])('refuses %j, also at the start, and stays as it was', async (bad) => {
    const { queue, log, come } = setUp()
    expect(() => new FairQueue({ ...roomy, ...bad })).toThrow(RangeError)
    expect(() => queue.set(bad)).toThrow(RangeError)
    come('a')
    await settled()
    expect(log).toEqual(['a'])
  })
})

it('close refuses all who wait and all who come, and leaves those with a slot alone', async () => {
  const { clock, queue, log, come, leave } = setUp()
  for (const user of ['in', 'a', 'b']) come(user)
  queue.close()
  queue.close()
  come('c')
  await settled()
  expect(log.toSorted()).toEqual(['a QUEUE_CLOSED', 'b QUEUE_CLOSED', 'c QUEUE_CLOSED', 'in'])
  expect([counts(queue), clock.timers]).toEqual([[1, 0, 0], 0])
  await leave()
  expect(queue.running).toBe(0)
})

it.each([{ bytes: -1 }, { bytes: NaN }, { weight: 0 }, { weight: NaN }, { priority: 3 }, { priority: 0.5 }])(
  'takes no ticket with %j',
  async (bad) => {
    const queue = new FairQueue(roomy)
    await expect(queue.enter({ user: 'a', client: 'x', ...bad })).rejects.toThrow(RangeError)
  },
)

describe('what can be expected', () => {
  /** One second in which ten were served, 100 ms each; then one more has its slot. */
  async function warm(limits: Partial<QueueLimits> = {}) {
    const lab = setUp({ timeoutMs: 1_000_000, ...limits })
    for (let i = 0; i < 11; i++) lab.come('warm')
    await settled()
    for (let i = 0; i < 10; i++) await lab.leave(100)
    return lab
  }

  it('is nothing while a slot is free', () => {
    expect(setUp().queue.look()).toEqual({
      waiting: 0,
      waitingBytes: 0,
      running: 0,
      ratePerSecond: 0,
      expectedWaitMs: 0,
      oldestMs: 0,
    })
  })

  it('comes from the present rate: of all, and of each user by their share', async () => {
    const { queue, clock, come } = await warm()
    for (let i = 0; i < 99; i++) come('heavy', { bytes: 10 })
    come('light')
    clock.advance(50)
    expect(queue.look()).toMatchObject({ waiting: 100, waitingBytes: 990, running: 1, oldestMs: 50 })
    expect(queue.look().ratePerSecond).toBeCloseTo(10, 0)
    expect(queue.look().expectedWaitMs).toBeCloseTo(10_100)
    expect(queue.look('heavy')).toMatchObject({ waiting: 99, waitingBytes: 990, running: 0 })
    expect(queue.look('heavy').expectedWaitMs).toBeCloseTo(10_100)
    expect(queue.look('light').expectedWaitMs).toBeCloseTo(400)
    expect(queue.look('new').expectedWaitMs).toBeCloseTo(300)
  })

  it('is longer where nothing has moved for longer than usual', async () => {
    const { queue, clock, come } = await warm()
    come('a')
    clock.advance(4000)
    expect(queue.look().expectedWaitMs).toBeCloseTo(2000)
  })

  it('is told to whoever is refused, as 1 to 60 s', async () => {
    const { queue, come } = await warm({ maxWaiting: 30 })
    const refused = () => queue.enter({ user: 'a', client: 'x' }).catch((error: QueueError) => error.retryMs)
    for (let i = 0; i < 30; i++) come('a')
    expect(await refused()).toBeCloseTo(3100)
    queue.set({ maxWaiting: 1000 })
    for (let i = 30; i < 1000; i++) come('a')
    expect(await refused()).toBe(60_000)
    queue.close()
    expect(await refused()).toBe(1000)
  })

  it('can be seen of each that waits', async () => {
    const { queue, clock, come } = await warm()
    for (const client of ['x', 'x', 'y']) come('a', { client, label: client, bytes: 1 })
    clock.advance(10)
    come('a', { client: 'y', label: 'first', priority: 0 })
    const tickets = queue.tickets('a')
    expect(tickets.map(({ label, position, waitedMs }) => [label, position, waitedMs])).toEqual([
      ['x', 3, 10],
      ['x', 4, 10],
      ['y', 3, 10],
      ['first', 1, 0],
    ])
    expect(tickets[0]).toMatchObject({ client: 'x', priority: 1, bytes: 1 })
    expect(tickets[3]?.expectedWaitMs).toBeCloseTo(100)
    expect(queue.tickets('a', 1)).toHaveLength(1)
    expect(queue.tickets('nobody')).toEqual([])
  })
})

it('its codes are the codes of the library', () => {
  expect(RATELIMIT_ERROR_CODES).toEqual(['QUEUE_CLOSED', 'QUEUE_FULL', 'QUEUE_SHED', 'QUEUE_TIMEOUT'])
  expect(new QueueError('QUEUE_FULL', 'why', 1000)).toMatchObject({
    name: 'QueueError',
    code: 'QUEUE_FULL',
    message: 'why',
    retryMs: 1000,
  })
})
