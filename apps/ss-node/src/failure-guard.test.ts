import { expect, it } from 'vitest'
import { FailureGuard } from './failure-guard.ts'

const stage = () => {
  const clock = { ms: 0 }
  return { clock, guard: new FailureGuard(() => clock.ms, { rate: 10, burst: 100 }) }
}

it('lets so many keys be tried from one address, and then as many as time brings', () => {
  const { clock, guard } = stage()
  expect([guard.take('192.0.2.1', 60), guard.take('192.0.2.1', 60)]).toEqual([true, false])
  expect(guard.take('192.0.2.2', 60)).toBe(true)
  clock.ms = 2000
  expect([guard.take('192.0.2.1', 60), guard.take('192.0.2.1', 60)]).toEqual([true, false])
})

it('gives back what was no failure, and no more than there ever was', () => {
  const { guard } = stage()
  guard.take('192.0.2.1', 100)
  guard.giveBack('192.0.2.1', 100)
  guard.giveBack('192.0.2.1', 100)
  expect([guard.take('192.0.2.1', 100), guard.take('192.0.2.1', 1)]).toEqual([true, false])
})

it('takes a /64 for one client', () => {
  const { guard } = stage()
  guard.take('2001:db8::1', 100)
  expect([guard.take('2001:db8::2', 1), guard.take('2001:db8:0:1::1', 1)]).toEqual([false, true])
})

it('lets a port be tried that has more keys than that, once', () => {
  const { clock, guard } = stage()
  expect([guard.take('192.0.2.1', 5000), guard.take('192.0.2.1', 5000)]).toEqual([true, false])
  clock.ms = 10_000
  expect(guard.take('192.0.2.1', 5000)).toBe(true)
})

it('may take any addresses for one', () => {
  const guard = new FailureGuard(
    () => 0,
    { rate: 10, burst: 100 },
    (ip) => ip.slice(0, 3),
  )
  guard.take('192.0.2.1', 100)
  expect([guard.take('192.0.2.2', 1), guard.take('198.51.100.1', 1)]).toEqual([false, true])
})
