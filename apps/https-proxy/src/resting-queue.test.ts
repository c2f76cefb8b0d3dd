import { ManualClock, type QueueGuest, type QueuePlace } from '@sluice/ratelimit'
import { type Caller, type ErrorCode, ServiceError } from '@sluice/service'
import { beforeEach, describe, expect, it } from 'vitest'
import type { AdmissionTicket, Slot } from './admission.ts'
import { RestingQueue } from './resting-queue.ts'

const SLOT: Slot = { waitedMs: 0, [Symbol.dispose]: () => {} }

/** Refuses all with one code, or gives each a slot; by a throw, or by telling the guest. */
class TestQueue {
  code: ErrorCode | undefined = 'QUEUE_FULL'
  throws = false
  came = 0

  async enter(): Promise<Slot> {
    this.came += 1
    if (this.code !== undefined) throw new ServiceError(this.code)
    return SLOT
  }

  join(_ticket: AdmissionTicket, guest: QueueGuest): QueuePlace | undefined {
    this.came += 1
    const error = this.code && new ServiceError(this.code)
    if (error !== undefined && this.throws) throw error
    if (error === undefined) guest.onSlot(SLOT)
    else guest.onRefused(error)
    return undefined
  }
}

class Guest implements QueueGuest {
  readonly told: unknown[] = []

  onSlot(): void {
    this.told.push('slot')
  }

  onRefused(reason: Error): void {
    this.told.push((reason as ServiceError).code)
  }
}

let clock: ManualClock
let inner: TestQueue
let queue: RestingQueue

beforeEach(() => {
  clock = new ManualClock()
  inner = new TestQueue()
  queue = new RestingQueue(inner, clock)
})

const anybody = (): Caller => ({ door: 'proxy' }) as Caller
const ticketOf = (caller: Caller, signal?: AbortSignal): AdmissionTicket => ({
  ...{ caller, priority: 1, bytes: 0, signal },
})

/** So many are refused on connections of their own, at this moment. */
const crowd = (count: number): Caller[] =>
  Array.from({ length: count }, () => {
    const caller = anybody()
    queue.join(ticketOf(caller), new Guest())
    return caller
  })

const ask = (caller: Caller): Guest & { place: QueuePlace | undefined } => {
  const guest = new Guest()
  return Object.assign(guest, { place: queue.join(ticketOf(caller), guest) })
}

describe('who was refused', () => {
  it('comes back at once where refusals are few', () => {
    const caller = anybody()
    for (let i = 0; i < 5000; i++) {
      clock.advance(1)
      expect(ask(caller).told).toEqual(['QUEUE_FULL'])
    }
  })

  it('has a turn where they are many, a thousand in a second', () => {
    const callers = crowd(1000)
    expect(inner.came).toBe(1000)
    inner.code = undefined
    const again = callers.map(ask)
    expect(again.filter(({ told }) => told.length > 0)).toHaveLength(20)
    for (const ms of [20, 100, 999]) {
      clock.advance(ms - clock.now())
      expect(again.filter(({ told }) => told.length > 0)).toHaveLength(ms + 1)
    }
  })

  it('rests for a second at most, and then as if nothing had been', () => {
    const caller = crowd(5000).at(-1)!
    const late = ask(caller)
    clock.advance(999)
    expect(late.told).toEqual([])
    clock.advance(1)
    expect(late.told).toEqual(['QUEUE_FULL'])
    clock.advance(1000)
    expect(ask(caller).told).toEqual(['QUEUE_FULL'])
  })

  it('rests alone: nobody else does', () => {
    const last = crowd(5000).at(-1)!
    expect([queue.restMs(last), queue.restMs(anybody())]).toEqual([1000, 0])
    clock.advance(400)
    expect(queue.restMs(last)).toBe(600)
    clock.advance(700)
    expect(queue.restMs(last)).toBe(0)
    expect(ask(anybody()).told).toEqual(['QUEUE_FULL'])
  })

  it('does not rest where the refusal was none of too many', () => {
    crowd(5000)
    inner.code = 'QUEUE_TIMEOUT'
    const [caller] = crowd(1)
    expect(ask(caller!).told).toEqual(['QUEUE_TIMEOUT'])
  })

  it('rests after a refusal that was thrown, too, and is told of the next', () => {
    crowd(5000)
    inner.throws = true
    const caller = anybody()
    const guest = new Guest()
    expect(() => queue.join(ticketOf(caller), guest)).toThrow(ServiceError)
    const { told } = ask(caller)
    expect(told).toEqual([])
    clock.advance(1000)
    expect(told).toEqual(['QUEUE_FULL'])
  })

  it('may leave while it rests, and then never comes to the queue', () => {
    const { place, told } = ask(crowd(5000).at(-1)!)
    expect(place?.leave()).toBe(true)
    clock.advance(10_000)
    expect([inner.came, told]).toEqual([5000, []])
  })

  it('leaves the queue that it has come to since', () => {
    const [caller] = crowd(5000).slice(-1)
    const { place } = ask(caller!)
    let left = 0
    inner.join = () => ({ leave: () => (left += 1) > 0 })
    clock.advance(1000)
    expect([place?.leave(), left]).toEqual([true, 1])
  })
})

describe('a turn that is promised', () => {
  it('comes after the rest', async () => {
    const caller = crowd(5000).at(-1)!
    inner.code = undefined
    const { came } = inner
    const turn = queue.enter(ticketOf(caller))
    expect(inner.came).toBe(came)
    clock.advance(1000)
    await expect(turn).resolves.toBe(SLOT)
  })

  it('has who is refused rest', async () => {
    crowd(5000)
    const caller = anybody()
    await expect(queue.enter(ticketOf(caller))).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    expect(ask(caller).told).toEqual([])
  })

  it('is given up during the rest', async () => {
    const caller = crowd(5000).at(-1)!
    const giving = new AbortController()
    const turn = queue.enter(ticketOf(caller, giving.signal))
    giving.abort(new Error('gone'))
    await expect(turn).rejects.toThrow('gone')
    clock.advance(10_000)
    expect(inner.came).toBe(5000)
    await expect(queue.enter(ticketOf(caller, giving.signal))).rejects.toMatchObject({ code: 'QUEUE_FULL' })
  })
})
