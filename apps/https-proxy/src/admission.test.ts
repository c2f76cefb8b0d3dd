import { ManualClock, Shaper } from '@sluice/ratelimit'
import { Account, type Caller, ServiceError } from '@sluice/service'
import { describe, expect, it } from 'vitest'
import { Admission, type AdmissionLimits, type AdmissionTicket, type Slot } from './admission.ts'

const roomy: AdmissionLimits = { slots: 1, maxWaiting: 100, maxWaitingBytes: 1000, timeoutMs: 5000 }

const callerOf = (name: string, host = '192.0.2.1'): Caller => {
  const user = { id: name && `id of ${name}`, name, enabled: true, limits: {}, credentials: [] }
  const account = new Account(user, new Shaper(), {}, () => {})
  return { account, client: { host, port: 50_000 }, door: 'proxy', protocol: 'api' }
}

function setUp(limits: Partial<AdmissionLimits> = {}) {
  const clock = new ManualClock()
  const admission = new Admission({ ...roomy, ...limits }, clock)
  const enter = (caller: Caller, ticket: Partial<AdmissionTicket> = {}): Promise<Slot> =>
    admission.enter({ caller, priority: 1, bytes: 0, ...ticket })
  /** Why not, and when to come again. */
  const refusal = async (caller: Caller, ticket: Partial<AdmissionTicket> = {}): Promise<unknown[]> => {
    const error: unknown = await enter(caller, ticket).catch((thrown: unknown) => thrown)
    return error instanceof ServiceError ? [error.code, error.retryMs] : [error]
  }
  return { clock, admission, enter, refusal }
}

const [alice, bob] = [callerOf('alice'), callerOf('bob', '198.51.100.7')]

describe('what is refused', () => {
  it('tells why in the words of the door, and when to come again', async () => {
    const { clock, admission, enter, refusal } = setUp({ maxWaiting: 1 })
    await enter(alice)
    const late = refusal(alice)
    expect(await refusal(alice)).toEqual(['QUEUE_FULL', 1000])
    clock.advance(5000)
    expect(await late).toEqual(['QUEUE_TIMEOUT', 1000])
    admission.close()
    expect(await refusal(bob)).toEqual(['SHUTDOWN', 1000])
  })

  it('is shed under standing overload', async () => {
    const { clock, enter, refusal } = setUp({ shedTargetMs: 500 })
    const slot = await enter(alice)
    clock.advance(200)
    const second = enter(alice)
    slot[Symbol.dispose]()
    await second
    for (let i = 0; i < 20; i++) void refusal(alice)
    clock.advance(1000)
    expect((await refusal(alice))[0]).toBe('OVERLOADED')
  })

  it('of a signal is its reason', async () => {
    const { enter, refusal } = setUp()
    await enter(alice)
    const abort = new AbortController()
    const gone = refusal(alice, { signal: abort.signal })
    abort.abort(new ServiceError('CLIENT_RESET'))
    expect(await gone).toEqual(['CLIENT_RESET', undefined])
  })
})

describe('limits', () => {
  it('of requests at once count those that wait and those that run, of each user', async () => {
    const { enter, refusal, admission } = setUp({ userRequests: 2 })
    const first = await enter(alice)
    const second = enter(alice)
    expect(await refusal(alice)).toEqual(['REQUEST_LIMIT', 1000])
    const others = enter(bob)
    first[Symbol.dispose]()
    ;(await others)[Symbol.dispose]()
    ;(await second)[Symbol.dispose]()
    await enter(alice)
    expect(admission.report(alice).own).toMatchObject({ running: 1, waiting: 0 })
  })

  it('of a rate are of each user, from wherever they come', async () => {
    const { clock, enter, refusal } = setUp({ slots: 10, userRequestRate: 2 })
    await enter(alice)
    await enter(callerOf('alice', '203.0.113.5'))
    expect(await refusal(alice)).toEqual(['REQUEST_RATE_LIMIT', 500])
    await enter(bob)
    clock.advance(500)
    await enter(alice)
  })

  it('of an address are of whoever comes from there, of IPv6 by its /64', async () => {
    const { enter, refusal } = setUp({ slots: 10, addressRequestRate: 1 })
    await enter(callerOf('alice', '2001:db8::1'))
    expect(await refusal(callerOf('bob', '2001:db8::2'))).toEqual(['ADDRESS_RATE_LIMIT', 1000])
    await enter(callerOf('bob', '2001:db8:0:1::2'))
  })

  it('change at once', async () => {
    const { admission, enter, refusal } = setUp({ slots: 10, userRequestRate: 1 })
    await enter(alice)
    expect(await refusal(alice)).toEqual(['REQUEST_RATE_LIMIT', 1000])
    admission.set({ ...roomy, slots: 10, userRequests: 1 })
    expect(await refusal(alice)).toEqual(['REQUEST_LIMIT', 1000])
    admission.set({ ...roomy, slots: 10 })
    await enter(alice)
    expect(() => admission.set({ ...roomy, slots: -1 })).toThrow(RangeError)
    expect(admission.report().slots).toBe(10)
  })
})

describe('guests', () => {
  it('are told apart by their network', async () => {
    const { enter, refusal } = setUp({ slots: 10, userRequests: 1 })
    await enter(callerOf('', '2001:db8::1'))
    expect((await refusal(callerOf('', '2001:db8::2')))[0]).toBe('REQUEST_LIMIT')
    await enter(callerOf('', '2001:db8:0:1::1'))
  })
})

describe('the report', () => {
  it('tells all who wait as numbers, and the caller of their own', async () => {
    const { clock, admission, enter } = setUp()
    const slot = await enter(bob)
    void enter(bob, { bytes: 100 })
    void enter(alice, { bytes: 7, id: 'r1', priority: 2 })
    const next = enter(alice, { bytes: 8, id: 'r2', priority: 0 })
    clock.advance(100)
    expect(admission.report()).toMatchObject({
      slots: 1,
      running: 1,
      waiting: 3,
      maxWaiting: 100,
      waitingBytes: 115,
      maxWaitingBytes: 1000,
      oldestMs: 100,
    })
    expect(admission.report()).not.toHaveProperty('own')
    const { own } = admission.report(alice)
    expect(own).toMatchObject({ running: 0, waiting: 2, waitingBytes: 15 })
    expect(own?.requests.map(({ id, position, waitedMs }) => [id, position, waitedMs])).toEqual([
      ['r1', 2, 100],
      ['r2', 1, 100],
    ])
    expect(Object.keys(own?.requests[0] ?? {})).not.toContain('client')
    slot[Symbol.dispose]()
    expect((await next).waitedMs).toBe(100)
  })
})
