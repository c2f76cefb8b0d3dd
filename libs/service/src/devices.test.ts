import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientNetwork } from './client-network.ts'
import { type DeviceRules, Devices } from './devices.ts'

const [A, B, C] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'] as const

const open = (
  rules: Partial<DeviceRules> = {},
): { devices: Devices; rules: DeviceRules; time: { now: number } } => {
  const time = { now: 0 }
  const all = { bytes: 0, ttlMs: 0, now: () => time.now, ...rules }
  return { devices: new Devices(all), rules: all, time }
}

describe('an address', () => {
  it('counts from its first session to the end of its last', () => {
    const { devices } = open()
    devices.enter(A)
    devices.enter(A)
    expect([devices.admits(A, 1), devices.admits(B, 1), devices.present]).toEqual([true, false, 1])
    devices.leave(A)
    expect(devices.admits(B, 1)).toBe(false)
    devices.leave(A)
    expect([devices.admits(B, 1), devices.present, devices.isEmpty]).toEqual([true, 0, true])
  })

  it.each([
    ['2001:db8::1', '2001:db8::ffff:2', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['192.0.2.1', '::ffff:192.0.2.1', true],
  ])('%s is the same device as %s: %s', (one, other, isSame) => {
    const { devices } = open()
    devices.enter(one)
    expect([devices.admits(other, 1), devices.isPresent(other)]).toEqual([isSame, isSame])
  })

  it('counts for a while after its last session', () => {
    const { devices, time } = open({ ttlMs: 60_000 })
    devices.enter(A)
    time.now = 100_000
    devices.leave(A)
    expect([devices.present, devices.isPresent(A), devices.isEmpty]).toEqual([0, false, false])
    time.now += 59_999
    expect([devices.admits(A, 1), devices.admits(B, 1)]).toEqual([true, false])
    time.now += 1
    expect([devices.admits(B, 1), devices.isEmpty]).toEqual([true, true])
  })

  it('that comes back in time is one device, and stays as long as it is there', () => {
    const { devices, time } = open({ ttlMs: 60_000 })
    devices.enter(A)
    devices.leave(A)
    time.now = 59_999
    devices.enter(A)
    time.now = 1_000_000
    expect([devices.admits(B, 1), devices.admits(B, 2)]).toEqual([false, true])
  })

  it('does not count before it has moved enough, in however many sessions', () => {
    const { devices, time } = open({ bytes: 1000, ttlMs: 60_000 })
    devices.enter(A)
    expect([devices.moved(A, 600, 1), devices.admits(B, 1)]).toEqual([true, true])
    devices.leave(A)
    time.now = 59_999
    devices.enter(A)
    expect([devices.moved(A, 399, 1), devices.admits(B, 1)]).toEqual([true, true])
    expect([devices.moved(A, 1, 1), devices.admits(B, 1), devices.admits(A, 1)]).toEqual([true, false, true])
  })

  it('has moved nothing yet when it comes back late', () => {
    const { devices, time } = open({ bytes: 1000, ttlMs: 60_000 })
    devices.enter(A)
    devices.moved(A, 999, 1)
    devices.leave(A)
    time.now = 60_000
    expect(devices.admits(A, 1)).toBe(true)
    devices.enter(A)
    devices.moved(A, 999, 1)
    expect(devices.admits(B, 1)).toBe(true)
  })

  it('that has moved enough while there was no place has to go, and may come back when there is', () => {
    const { devices } = open({ bytes: 1000 })
    devices.enter(A)
    devices.enter(B)
    expect([devices.moved(A, 1000, 1), devices.moved(B, 1000, 1)]).toEqual([true, false])
    devices.leave(A)
    expect([devices.moved(B, 1, 1), devices.admits(C, 1)]).toEqual([true, false])
  })

  it('that moved enough in a session that is over counts for its time', () => {
    const { devices } = open({ bytes: 1000, ttlMs: 60_000 })
    devices.enter(A)
    devices.leave(A)
    expect([devices.moved(A, 1000, 1), devices.admits(B, 1)]).toEqual([true, false])
  })

  it('that nobody remembers is not made anew by what it had moved', () => {
    const { devices } = open({ bytes: 1000 })
    devices.enter(A)
    devices.leave(A)
    expect([devices.moved(A, 1000, 1), devices.isEmpty]).toEqual([true, true])
  })

  it('without a session is one of 1,024 that are remembered, the last to leave', () => {
    const { devices } = open({ ttlMs: 60_000 })
    for (let i = 0; i < 1025; i += 1) {
      devices.enter(`10.0.${i >> 8}.${i & 255}`)
      devices.leave(`10.0.${i >> 8}.${i & 255}`)
    }
    expect([devices.admits('10.0.0.1', 1024), devices.admits('10.0.0.0', 1024)]).toEqual([true, false])
    expect(devices.admits('10.0.0.0', 1025)).toBe(true)
  })

  it('counts no longer when its time is made shorter', () => {
    const { devices, rules, time } = open({ ttlMs: 60_000 })
    devices.enter(A)
    devices.leave(A)
    time.now = 10_000
    rules.ttlMs = 10_000
    expect(devices.admits(B, 1)).toBe(true)
  })
})

describe('fewer places', () => {
  it('are those of who came first', () => {
    const { devices } = open()
    for (const ip of [A, B, C, A]) devices.enter(ip)
    expect([...devices.excess(3)]).toEqual([])
    expect([...devices.excess(1)].toSorted()).toEqual([B, C])
    expect([...devices.excess(1)]).toEqual([])
  })

  it('are taken from who has left already before anybody has to', () => {
    const { devices } = open({ ttlMs: 60_000 })
    for (const ip of [A, B, C]) devices.enter(ip)
    devices.leave(A)
    expect([...devices.excess(2)]).toEqual([])
    expect([...devices.excess(1)]).toEqual([C])
  })

  it('are not taken from who does not count', () => {
    const { devices } = open({ bytes: 10 })
    for (const ip of [A, B, C]) devices.enter(ip)
    for (const ip of [A, C]) devices.moved(ip, 10, 3)
    expect([...devices.excess(1)]).toEqual([C])
  })
})

describe('a session that goes on from elsewhere', () => {
  it('takes its device along', () => {
    const { devices } = open({ ttlMs: 60_000 })
    devices.enter(A)
    expect(devices.roam(A, B, 1)).toBe(true)
    expect([devices.admits(B, 1), devices.admits(A, 1), devices.present]).toEqual([true, false, 1])
    devices.leave(B)
    expect(devices.present).toBe(0)
  })

  it('is a device more where another stays', () => {
    const { devices } = open()
    devices.enter(A)
    devices.enter(A)
    expect([devices.roam(A, B, 1), devices.present]).toEqual([false, 1])
    expect([devices.roam(A, B, 2), devices.present]).toEqual([true, 2])
    devices.leave(A)
    devices.leave(B)
    expect(devices.isEmpty).toBe(true)
  })

  it('is a device less where it joins another', () => {
    const { devices } = open({ bytes: 10 })
    devices.enter(A)
    devices.enter(B)
    devices.moved(A, 10, 1)
    expect([devices.roam(A, B, 1), devices.present]).toEqual([true, 1])
    expect([devices.admits(B, 1), devices.admits(A, 1)]).toEqual([true, false])
    devices.leave(B)
    devices.leave(B)
    expect(devices.isEmpty).toBe(true)
  })

  it('is where it was within one network', () => {
    const { devices } = open()
    devices.enter('2001:db8::1')
    devices.enter('2001:db8::1')
    expect(devices.roam('2001:db8::1', '2001:db8::2', 1)).toBe(true)
    devices.leave('2001:db8::2')
    devices.leave('2001:db8::1')
    expect(devices.isEmpty).toBe(true)
  })
})

describe('takeSeen()', () => {
  it('tells who was here since it was last asked, as addresses', () => {
    const { devices } = open({ bytes: 1000 })
    for (const ip of [A, A, '2001:db8::1', '2001:db8::2']) devices.enter(ip)
    expect(devices.takeSeen()).toEqual([A, '2001:db8::1', '2001:db8::2'])
    expect(devices.takeSeen()).toEqual([])
    devices.moved(A, 1, 1)
    devices.roam(A, B, 1)
    devices.leave(B)
    expect(devices.takeSeen()).toEqual([A, B])
  })

  it('tells 64 of them', () => {
    const { devices } = open()
    for (let i = 0; i < 100; i += 1) devices.enter(`192.0.2.${i}`)
    expect(devices.takeSeen()).toHaveLength(64)
  })
})

describe('whatever happens', () => {
  const ip = fc.constantFrom(A, B, C, '2001:db8::1', '2001:db8::2')
  const step = fc.oneof(
    fc.record({ what: fc.constant('enter' as const), ip }),
    fc.record({ what: fc.constant('leave' as const), nth: fc.nat(20) }),
    fc.record({ what: fc.constant('roam' as const), nth: fc.nat(20), ip }),
    fc.record({ what: fc.constant('move' as const), nth: fc.nat(20), bytes: fc.nat(10) }),
    fc.record({ what: fc.constant('pass' as const), ms: fc.nat(100) }),
    fc.record({ what: fc.constant('most' as const), most: fc.nat(4) }),
  )

  it('no more than are allowed count, present are those with sessions, and in the end nothing is left', () => {
    const rules = fc.record({ bytes: fc.nat(10), ttlMs: fc.nat(50) })
    fc.assert(
      fc.property(rules, fc.array(step, { maxLength: 60 }), (settings, steps) => {
        const { devices, time } = open(settings)
        const sessions: string[] = []
        let most = 2
        const cut = (networks: ReadonlySet<string>): void => {
          for (let i = sessions.length - 1; i >= 0; i -= 1) {
            if (networks.has(clientNetwork(sessions[i]!))) devices.leave(sessions.splice(i, 1)[0]!)
          }
        }
        for (const each of steps) {
          const nth = 'nth' in each ? each.nth % Math.max(1, sessions.length) : 0
          const from = sessions[nth]
          if (each.what === 'enter' && devices.admits(each.ip, most)) {
            devices.enter(each.ip)
            sessions.push(each.ip)
          } else if (each.what === 'pass') time.now += each.ms
          else if (each.what === 'most') {
            most = each.most
            cut(devices.excess(most))
          } else if (from !== undefined) {
            if (each.what === 'leave') devices.leave(sessions.splice(nth, 1)[0]!)
            else if (each.what === 'roam' && devices.roam(from, each.ip, most)) sessions[nth] = each.ip
            else if (each.what === 'move' && !devices.moved(from, each.bytes, most)) {
              cut(new Set([clientNetwork(from)]))
            }
          }
          expect(devices.present).toBe(new Set(sessions.map(clientNetwork)).size)
          expect(devices.excess(most).size).toBe(0)
        }
        for (const from of sessions) devices.leave(from)
        time.now += settings.ttlMs
        expect(devices.isEmpty).toBe(true)
        expect(devices.admits(A, 1)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
