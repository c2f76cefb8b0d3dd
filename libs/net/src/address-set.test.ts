import { describe, expect, it } from 'vitest'
import { AddressSet } from './address-set.ts'

describe('AddressSet', () => {
  const set = new AddressSet(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::ffff:198.51.100.0/120'])

  it.each([
    '10.0.0.0',
    '10.255.255.255',
    '192.0.2.7',
    'fd12::1',
    '::ffff:10.1.2.3',
    '198.51.100.9',
    'fd12::1%eth0',
  ])('has %s', (ip) => expect(set.has(ip)).toBe(true))

  it.each(['11.0.0.0', '192.0.2.8', 'fe00::', '::10.0.0.1', 'localhost', '10.1', ''])('has not %s', (ip) =>
    expect(set.has(ip)).toBe(false),
  )

  it('is empty without networks', () => {
    expect(new AddressSet([]).has('10.0.0.1')).toBe(false)
  })

  it('refuses what is no network', () => {
    expect(() => new AddressSet(['10.0.0.0/33'])).toThrow(RangeError)
  })
})
