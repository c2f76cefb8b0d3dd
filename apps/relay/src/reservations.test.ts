import { RELAY_STATUS } from '@sluice/wire/relay'
import { describe, expect, it } from 'vitest'
import { PRESETS } from './presets.ts'
import { FakeControl, refusalOf, RELAY, stateWorld, WALL_START } from './testing/state-world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe('reservations', () => {
  it('are found until they expire, and tell when that is', () => {
    const { state, clock } = stateWorld()
    const control = new FakeControl(1)
    expect(state.reservations.reserve(control)).toMatchObject({
      control,
      since: WALL_START,
      expiresAt: WALL_START + HOUR,
      ttlMs: HOUR,
    })
    clock.advance(HOUR - 1)
    expect(state.reservations.find(control.peer.id)?.control).toBe(control)
    clock.advance(1)
    expect(state.reservations.find(control.peer.id)).toBeUndefined()
    expect(clock.timers).toBe(0)
  })

  it.each([
    [0, HOUR],
    [1, MINUTE],
    [10 * MINUTE, 10 * MINUTE],
    [2 * HOUR, HOUR],
  ])('with a wish of %d ms live for %d ms', (wishMs, ttlMs) => {
    const { state } = stateWorld()
    expect(state.reservations.reserve(new FakeControl(1), wishMs).ttlMs).toBe(ttlMs)
  })

  it('never live longer than the limit, even where that is less than any wish', () => {
    const { state } = stateWorld({ reservationTtlMs: 5000 })
    expect(state.reservations.reserve(new FakeControl(1), 1).ttlMs).toBe(5000)
  })

  it('refuse beyond the total, and take the next once one is gone', () => {
    const { state } = stateWorld({ reservations: 2 })
    const [first, second, third] = [1, 2, 3].map((octet) => new FakeControl(octet))
    state.reservations.reserve(first!)
    state.reservations.reserve(second!)
    expect(refusalOf(() => state.reservations.reserve(third!))).toBe(
      'RESOURCE_LIMIT_EXCEEDED reservations-total',
    )
    expect(state.reservations.size).toBe(2)
    expect(state.reservations.release(first!)).toBe(true)
    expect(refusalOf(() => state.reservations.reserve(third!))).toBe('OK')
  })

  it.each([
    ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.2'],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::1', '2001:db8:1:3::1'],
  ])('count %s and %s as one client network, %s as another', (first, same, other) => {
    const { state } = stateWorld({ reservationsPerIp: 1 })
    state.reservations.reserve(new FakeControl(1, first))
    const more = (octet: number, ip: string): string =>
      refusalOf(() => state.reservations.reserve(new FakeControl(octet, ip)))
    expect(more(2, same)).toBe('RESOURCE_LIMIT_EXCEEDED reservations-ip')
    expect(more(3, other)).toBe('OK')
    expect(state.reservations.networks).toBe(2)
  })

  it('that move to another address count there, where there is room', () => {
    const { state } = stateWorld({ reservationsPerIp: 1 })
    const at = (octet: number, ip: string): FakeControl => new FakeControl(octet, ip)
    state.reservations.reserve(at(1, '192.0.2.1'))
    state.reservations.reserve(at(2, '192.0.2.2'))
    expect(refusalOf(() => state.reservations.reserve(at(1, '192.0.2.2')))).toBe(
      'RESOURCE_LIMIT_EXCEEDED reservations-ip',
    )
    expect(refusalOf(() => state.reservations.reserve(at(1, '192.0.2.3')))).toBe('OK')
    expect(refusalOf(() => state.reservations.reserve(at(3, '192.0.2.1')))).toBe('OK')
    expect(state.reservations.networks).toBe(3)
  })

  it('are not for the relay itself', () => {
    const { state } = stateWorld()
    const own = { peer: RELAY } as unknown as FakeControl
    expect(refusalOf(() => state.reservations.reserve(own))).toBe('PERMISSION_DENIED')
  })

  it('are kept, but not given or refreshed, while the relay drains', () => {
    const { state } = stateWorld()
    const control = new FakeControl(1)
    state.reservations.reserve(control)
    state.drain()
    expect(refusalOf(() => state.reservations.reserve(control))).toBe('SHUTTING_DOWN')
    expect(state.reservations.find(control.peer.id)).toBeDefined()
  })

  it('take other limits at once, and nothing from those who have theirs', () => {
    const { state } = stateWorld()
    state.reservations.reserve(new FakeControl(1))
    state.reservations.reserve(new FakeControl(2))
    state.set({ ...PRESETS.seed, reservations: 1, reservationTtlMs: 2 * HOUR })
    expect(state.reservations.size).toBe(2)
    expect(refusalOf(() => state.reservations.reserve(new FakeControl(3)))).toContain('reservations-total')
    expect(state.reservations.reserve(new FakeControl(2)).ttlMs).toBe(2 * HOUR)
    state.set(PRESETS.private)
    expect(refusalOf(() => state.reservations.reserve(new FakeControl(3)))).toBe('OK')
  })

  it('have one timer, for the first that ends', () => {
    const { state, clock, events } = stateWorld()
    const [long, short] = [new FakeControl(1), new FakeControl(2)]
    state.reservations.reserve(long, HOUR)
    state.reservations.reserve(short, MINUTE)
    expect(clock.timers).toBe(1)
    clock.advance(MINUTE)
    expect(events).toEqual(['opened', 'opened', 'expired'])
    expect(clock.timers).toBe(1)
    state.reservations.release(long)
    expect(clock.timers).toBe(0)
  })
})

describe('a control conn', () => {
  it('is told when its reservation has expired, stays, and may reserve again', () => {
    const { state, clock } = stateWorld()
    const control = new FakeControl(1)
    state.reservations.reserve(control)
    clock.advance(HOUR)
    expect(control.heard('notice')).toMatchObject([{ status: RELAY_STATUS.RESERVATION_EXPIRED }])
    expect(state.reservations.control(control.peer.id)).toBe(control)
    expect(refusalOf(() => state.reservations.reserve(control))).toBe('OK')
  })

  it('that is replaced is sent away, and cannot take its place back', () => {
    const { state, events } = stateWorld({ reservations: 1 })
    const [old, next] = [new FakeControl(1), new FakeControl(1)]
    state.reservations.reserve(old)
    state.reservations.reserve(next)
    expect(old.dismissals).toEqual([RELAY_STATUS.REPLACED])
    expect(events).toEqual(['opened', 'renewed', 'replaced'])
    expect(state.reservations.size).toBe(1)
    expect(refusalOf(() => state.reservations.reserve(old))).toBe('REPLACED')
    expect(state.reservations.release(old)).toBe(false)
    state.leave(old)
    expect(state.reservations.find(next.peer.id)?.control).toBe(next)
  })

  it('is not replaced where the reservation is refused to the other', () => {
    const { state, clock } = stateWorld({ reservations: 1 })
    const [old, next] = [new FakeControl(1), new FakeControl(1)]
    state.reservations.reserve(old)
    clock.advance(HOUR)
    state.reservations.reserve(new FakeControl(2))
    expect(refusalOf(() => state.reservations.reserve(next))).toContain('reservations-total')
    expect(old.dismissals).toEqual([])
    expect(state.reservations.control(old.peer.id)).toBe(old)
  })

  it('stays where others fight for its identity: more than 3 replacements in 10 s', () => {
    const { state, clock } = stateWorld()
    const controls = Array.from({ length: 6 }, () => new FakeControl(1))
    const results = controls.map((control) => refusalOf(() => state.reservations.reserve(control)))
    const refused = 'RATE_LIMITED replacements'
    expect(results).toEqual(['OK', 'OK', 'OK', 'OK', refused, refused])
    expect(controls[3]!.heard('notice')).toMatchObject([{ status: RELAY_STATUS.RATE_LIMITED }])
    expect(state.reservations.find(controls[3]!.peer.id)?.control).toBe(controls[3])
    clock.advance(10_000)
    expect(refusalOf(() => state.reservations.reserve(controls[4]!))).toBe('OK')
  })

  it('can be sent away together with its reservation', () => {
    const { state, events } = stateWorld()
    const control = new FakeControl(1)
    state.reservations.reserve(control)
    expect(state.dismiss(control.peer.id, RELAY_STATUS.ADMIN_CLOSED)).toBe(true)
    expect(control.dismissals).toEqual([RELAY_STATUS.ADMIN_CLOSED])
    expect([state.reservations.size, state.reservations.controls]).toEqual([0, 0])
    expect(events).toEqual(['opened', 'closed'])
    expect(state.dismiss(control.peer.id, RELAY_STATUS.ADMIN_CLOSED)).toBe(false)
    expect(refusalOf(() => state.reservations.reserve(control))).toBe('REPLACED')
  })
})
