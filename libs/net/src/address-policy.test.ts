import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { AddressPolicy, DENIED_BY_DEFAULT } from './address-policy.ts'

const verdict = (ip: string, policy = new AddressPolicy(), port = 80): string => {
  try {
    policy.check(ip, port)
    return 'admitted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

it('lets through what somebody else has opened, but no listener of the program', () => {
  const policy = new AddressPolicy([], () => [{ host: '127.0.0.1', port: 9102 }])
  expect(() => policy.check('10.0.0.1', 80, true)).not.toThrow()
  expect(() => policy.check('127.0.0.1', 9102, true)).toThrow('listener of this program')
  expect(() => policy.check('nonsense', 80, true)).toThrow('not an address')
})

describe('by default', () => {
  it.each(DENIED_BY_DEFAULT)('%s is denied, its first and its last address', (cidr) => {
    const [first = '', bits] = cidr.split('/')
    expect([verdict(first), verdict(last(first, Number(bits)))]).toEqual(['TARGET_DENIED', 'TARGET_DENIED'])
  })

  it.each([
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
    ['any', ['0.0.0.0', '0.1.2.3', '::']],
    ['private', ['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1']],
    ['shared', ['100.64.0.1', '100.127.255.255']],
    ['link-local', ['169.254.1.1', 'fe80::1', 'fe80::1%eth0', 'febf::1']],
    ['metadata', ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '192.0.0.192']],
    ['multicast and beyond', ['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', 'ff02::1']],
    ['mapped', ['::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:10.0.0.1', '::ffff:169.254.169.254']],
    ['compatible', ['::127.0.0.1', '::7f00:1', '::8.8.8.8']],
    ['translated', ['::ffff:0:127.0.0.1', '::ffff:0:a00:1']],
    ['6to4', ['2002:7f00:1::', '2002:a00:1::1']],
    ['NAT64', ['64:ff9b::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::a00:1', '64:ff9b:1:ffff::1']],
    ['Teredo and other protocols', ['2001::1', '2001:0:53aa:64c::', '2001:2::1', '2001:20::1']],
    [
      'documentation and benchmarks',
      ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.19.0.1', '2001:db8::1', '3fff::1'],
    ],
    ['site-local, discard, segments', ['fec0::1', '100::1', '100:0:0:1::1', '5f00::1']],
  ])('denied: %s', (_, ips) => {
    for (const ip of ips) expect([ip, verdict(ip)]).toEqual([ip, 'TARGET_DENIED'])
  })

  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '::ffff:8.8.8.8',
    '::1:0:0:1',
    '2001:200::1',
    '2001:4860:4860::8888',
    '2003::1',
    '2606:4700:4700::1111',
    '64:ff9c::1',
    'fbff::1',
  ])('admitted: %s', (ip) => {
    expect(verdict(ip)).toBe('admitted')
  })

  it.each([
    '',
    'localhost',
    '2130706433',
    '0x7f.1',
    '127.1',
    '0177.0.0.1',
    '8.8.8',
    '[::1]',
    '1.1.1.1:80',
    '%lo',
  ])('no address, denied: %j', (text) => {
    expect(verdict(text, new AddressPolicy(['0.0.0.0/0', '::/0']))).toBe('TARGET_DENIED')
  })
})

describe('allow', () => {
  it('admits what it names, in every spelling, and nothing else', () => {
    const policy = new AddressPolicy(['127.0.0.0/8', '10.1.2.3', 'fd00::/16', 'fe80::1'])
    for (const ip of ['127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '10.1.2.3', 'fd00:1::', 'fe80::1%lo'])
      expect([ip, verdict(ip, policy)]).toEqual([ip, 'admitted'])
    for (const ip of [
      '10.1.2.4',
      '126.0.0.1x',
      'fd01::',
      'fe80::2',
      '::1',
      '::127.0.0.1',
      '64:ff9b::127.0.0.1',
    ])
      expect([ip, verdict(ip, policy)]).toEqual([ip, 'TARGET_DENIED'])
  })

  it('of all IPv6 opens no IPv4', () => {
    const policy = new AddressPolicy(['::/0'])
    expect([verdict('::1', policy), verdict('::127.0.0.1', policy)]).toEqual(['admitted', 'admitted'])
    for (const ip of ['127.0.0.1', '::ffff:127.0.0.1']) expect(verdict(ip, policy)).toBe('TARGET_DENIED')
  })

  it('refuses what is no network', () => {
    expect(() => new AddressPolicy(['10.0.0.0/'])).toThrow(RangeError)
  })
})

describe('own listeners', () => {
  const everything = ['0.0.0.0/0', '::/0']
  const own = (host: string): AddressPolicy => new AddressPolicy(everything, () => [{ host, port: 8889 }])
  const mine = Object.values(networkInterfaces())
    .flatMap((cards) => cards ?? [])
    .map(({ address }) => address)

  it.each([
    ['127.0.0.1', ['127.0.0.1', '::ffff:127.0.0.1', '0.0.0.0', '::']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1', '::1%lo', '0.0.0.0', '::']],
    ['192.0.2.7', ['192.0.2.7', '::ffff:192.0.2.7']],
    ['2001:DB8::7', ['2001:db8:0::7']],
    ['0.0.0.0', ['0.0.0.0', '::', '127.0.0.1', '127.9.9.9', '::ffff:127.0.0.1', '::1', ...mine]],
    ['::', ['0.0.0.0', '::', '127.0.0.1', '127.9.9.9', '::ffff:127.0.0.1', '::1', ...mine]],
  ])('on %s are denied whatever is allowed', (host, ips) => {
    for (const ip of ips) {
      expect([ip, verdict(ip, own(host), 8889)]).toEqual([ip, 'TARGET_DENIED'])
      expect([ip, verdict(ip, own(host), 8888)]).toEqual([ip, 'admitted'])
    }
  })

  it.each([
    ['127.0.0.1', '127.0.0.2'],
    ['192.0.2.7', '192.0.2.8'],
    ['192.0.2.7', '0.0.0.0'],
    ['0.0.0.0', '192.0.2.7'],
    ['::', '2001:db8::1'],
  ])('on %s leave %s alone', (host, ip) => {
    expect(verdict(ip, own(host), 8889)).toBe('admitted')
  })

  it('are asked for each time, as they come and go', () => {
    let listeners = [{ host: '127.0.0.1', port: 1 }]
    const policy = new AddressPolicy(everything, () => listeners)
    expect(verdict('127.0.0.1', policy, 1)).toBe('TARGET_DENIED')
    listeners = []
    expect(verdict('127.0.0.1', policy, 1)).toBe('admitted')
  })
})

/** The last address of a network, by arithmetic on its text. */
const last = (first: string, bits: number): string => {
  if (!first.includes(':')) {
    const value = first.split('.').reduce((all, part) => all * 256 + Number(part), 0) + 2 ** (32 - bits) - 1
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
  }
  const [left = '', right = ''] = first.split('::')
  const [head, tail] = [left, right].map((part) => (part === '' ? [] : part.split(':')))
  const groups = [...head!, ...Array<string>(8 - head!.length - tail!.length).fill('0'), ...tail!]
  const value =
    BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`) | (2n ** BigInt(128 - bits) - 1n)
  return value.toString(16).padStart(32, '0').match(/.{4}/g)!.join(':')
}
