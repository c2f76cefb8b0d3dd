import { expect, test } from 'vitest'
import { ServiceError } from './errors.ts'
import { SignInGuard } from './sign-in-guard.ts'

const open = (failures = 2, backoffMs = 60_000): SignInGuard =>
  new SignInGuard({ failures, backoffMs }, () => 1)

const fail = (guard: SignInGuard, times: number, ip: (nth: number) => string, name = 'ada'): void => {
  for (let nth = 0; nth < times; nth += 1) guard.failed(ip(nth), name)
}

const verdict = (guard: SignInGuard, ip: string, name = 'ada', isAtHome = false): unknown => {
  try {
    guard.check(ip, name, isAtHome)
    return 'may'
  } catch (error) {
    return error instanceof ServiceError ? [error.code, error.retryMs] : error
  }
}

test('an address that has failed too often waits, whomever it names, and others do not', () => {
  const guard = open()
  fail(guard, 1, () => '192.0.2.1')
  expect(verdict(guard, '192.0.2.1')).toBe('may')
  fail(guard, 1, () => '192.0.2.1', 'bob')
  expect(verdict(guard, '192.0.2.1')).toEqual(['AUTH_LIMIT', 1000])
  expect(verdict(guard, '192.0.2.1', 'eve', true)).toEqual(['AUTH_LIMIT', 1000])
  expect(verdict(guard, '192.0.2.2')).toBe('may')
})

test('a success ends the row of its address', () => {
  const guard = open()
  fail(guard, 1, () => '192.0.2.1')
  guard.passed('192.0.2.1')
  fail(guard, 1, () => '192.0.2.1')
  expect(verdict(guard, '192.0.2.1')).toBe('may')
})

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', ['AUTH_LIMIT', 1000]],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', 'may'],
  ['fe80::1%eth0', 'fe80::2%eth0', ['AUTH_LIMIT', 1000]],
  ['192.0.2.1', '192.0.2.2', 'may'],
])('who fails at %s and comes from %s: %o', (from, to, wanted) => {
  const guard = open()
  fail(guard, 2, () => from)
  expect(verdict(guard, to)).toEqual(wanted)
})

test('a name that fails from many addresses waits everywhere but where its user is signed in', () => {
  const guard = open()
  fail(guard, 19, (nth) => `192.0.2.${nth}`)
  expect(verdict(guard, '198.51.100.1')).toBe('may')
  fail(guard, 1, () => '192.0.2.99')
  expect(verdict(guard, '198.51.100.1')).toEqual(['AUTH_USER_LIMIT', 1000])
  expect(verdict(guard, '198.51.100.1', 'ada', true)).toBe('may')
  expect(verdict(guard, '198.51.100.1', 'bob')).toBe('may')
})

test('one address alone does not make a name wait elsewhere', () => {
  const guard = open()
  fail(guard, 1000, () => '192.0.2.1')
  expect(verdict(guard, '198.51.100.1')).toBe('may')
})

test('a name that no user can have is not counted', () => {
  const guard = open()
  const name = 'x'.repeat(256)
  fail(guard, 1000, (nth) => `10.0.${nth >> 8}.${nth & 255}`, name)
  expect(verdict(guard, '198.51.100.1', name)).toBe('may')
})

test('0 is no limit, and limits change while it runs', () => {
  const guard = open(0)
  fail(guard, 1000, () => '192.0.2.1')
  expect(verdict(guard, '192.0.2.1')).toBe('may')
  guard.set({ failures: 1, backoffMs: 500 })
  fail(guard, 1, () => '192.0.2.1')
  expect(verdict(guard, '192.0.2.1')).toEqual(['AUTH_LIMIT', 500])
})
