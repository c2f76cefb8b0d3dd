import { expect, test } from 'vitest'
import { RegisteredAddresses } from './registered-addresses.ts'

const HOUR_MS = 3_600_000

test('an address is registered for its hours, however it is written', () => {
  const addresses = new RegisteredAddresses()
  expect(addresses.add('192.0.2.1', 2, 0)).toBe(2 * HOUR_MS)
  expect(addresses.has('::ffff:192.0.2.1', 2 * HOUR_MS - 1)).toBe(true)
  expect(addresses.has('192.0.2.1', 2 * HOUR_MS)).toBe(false)
  expect(addresses.has('192.0.2.2', 0)).toBe(false)
  expect(addresses.add('2001:db8::1', 0xffffffff, 0)).toBe(8784 * HOUR_MS)
})

test('of too many those go first that are over, then those that came first', () => {
  const addresses = new RegisteredAddresses()
  const ip = (nth: number): string => `10.0.${nth >> 8}.${nth & 255}`
  addresses.add('192.0.2.1', 2, 0)
  addresses.add('192.0.2.2', 1, 0)
  for (let nth = 0; nth < 4094; nth += 1) addresses.add(ip(nth), 3, 0)
  addresses.add('192.0.2.3', 3, HOUR_MS)
  expect(addresses.has('192.0.2.1', HOUR_MS)).toBe(true)
  addresses.add('192.0.2.4', 3, HOUR_MS)
  expect(addresses.has('192.0.2.1', HOUR_MS)).toBe(false)
  expect(addresses.has(ip(0), HOUR_MS)).toBe(true)
})
