import { expect, test } from 'vitest'
import { readCookie, writeCookie } from './session-cookie.ts'

const VALUE = 'x'.repeat(43)

test.each([
  [undefined, ''],
  ['', ''],
  [`sluice-session=${VALUE}`, VALUE],
  [`a=b; sluice-session=${VALUE}; c=d`, VALUE],
  [`not-sluice-session=${VALUE}`, ''],
  ['sluice-session=short', ''],
  [`sluice-session=${VALUE}x`, ''],
])('of %j', (header, value) => {
  expect(readCookie(header)).toBe(value)
})

test('scripts and other sites have no use of it, and plain HTTP where it came over TLS', () => {
  expect(writeCookie(VALUE, false)).toBe(
    `sluice-session=${VALUE}; Path=/v1; Max-Age=43200; HttpOnly; SameSite=Strict`,
  )
  expect(writeCookie('', true)).toBe(
    'sluice-session=; Path=/v1; Max-Age=0; HttpOnly; SameSite=Strict; Secure',
  )
})
