import { describe, expect, it } from 'vitest'
import { OwnNetworkPolicy } from './own-network-policy.ts'

describe('where a client program dials', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('%s is its own machine', (ip) => {
    expect(() => new OwnNetworkPolicy().check(ip)).not.toThrow()
  })

  it.each(['10.0.0.1', '1.1.1.1', '::ffff:10.0.0.1', '0.0.0.0', '::', '169.254.169.254', 'fe80::1', 'name'])(
    '%s is not',
    (ip) => {
      expect(() => new OwnNetworkPolicy().check(ip)).toThrow(
        expect.objectContaining({ code: 'TARGET_DENIED' }),
      )
    },
  )

  it('is widened by name', () => {
    const policy = new OwnNetworkPolicy(['10.0.0.0/8', '192.0.2.1'])
    for (const ip of ['10.9.9.9', '192.0.2.1', '::1']) policy.check(ip)
    for (const ip of ['11.0.0.1', '192.0.2.2']) expect(() => policy.check(ip)).toThrow('was not allowed')
    expect(() => new OwnNetworkPolicy(['here'])).toThrow(RangeError)
  })
})
