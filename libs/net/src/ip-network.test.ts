import { formatIp, parseIp } from '@sluice/wire'
import * as fc from 'fast-check'
import { BlockList } from 'node:net'
import { describe, expect, it } from 'vitest'
import { contains, parseNetwork, plainIp } from './ip-network.ts'

const addresses = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

describe('contains', () => {
  it.each([
    ['ipv4', 4],
    ['ipv6', 16],
  ] as const)('is of one mind with BlockList of Node: %s', (family, length) => {
    const isMapped = (bytes: Uint8Array): boolean => length === 16 && plainIp(formatIp(bytes))!.length === 4
    fc.assert(
      fc.property(
        addresses(length).filter((bytes) => !isMapped(bytes)),
        fc.nat({ max: length * 8 }),
        fc.nat({ max: length * 8 - 1 }),
        (bytes, prefix, flipped) => {
          const near = Uint8Array.from(bytes)
          near[flipped >> 3]! ^= 0x80 >> (flipped & 7)
          const list = new BlockList()
          list.addSubnet(formatIp(bytes), prefix, family)
          const network = parseNetwork(`${formatIp(bytes)}/${prefix}`)
          expect(contains(network, bytes)).toBe(true)
          expect(contains(network, near)).toBe(flipped >= prefix)
          if (!isMapped(near)) expect(list.check(formatIp(near), family)).toBe(flipped >= prefix)
        },
      ),
    )
  })

  it('never takes one family for the other', () => {
    expect(contains(parseNetwork('::/0'), parseIp('127.0.0.1')!)).toBe(false)
    expect(contains(parseNetwork('0.0.0.0/0'), parseIp('::')!)).toBe(false)
  })
})

describe('parseNetwork', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0', 8],
    ['10.1.2.3/8', '10.1.2.3', 8],
    ['10.1.2.3', '10.1.2.3', 32],
    ['0.0.0.0/0', '0.0.0.0', 0],
    ['FD00::/8', 'fd00::', 8],
    ['::1', '::1', 128],
    ['::ffff:10.0.0.0/104', '10.0.0.0', 8],
    ['::ffff:10.1.2.3', '10.1.2.3', 32],
    ['::/0', '::', 0],
  ])('%s', (cidr, address, bits) => {
    expect(parseNetwork(cidr)).toEqual({ bytes: parseIp(address), bits })
  })

  it.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/0x8',
    '10.0.0.0/8.0',
    '10.0.0.0 /8',
    '10.0.0/8',
    '::/129',
    'fe80::1%eth0',
    'localhost',
    '010.0.0.0/8',
  ])('%j is none', (cidr) => {
    expect(() => parseNetwork(cidr)).toThrow(RangeError)
  })
})

describe('plainIp', () => {
  it.each([
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::FFFF:7f00:1', '127.0.0.1'],
    ['0:0:0:0:0:ffff:127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1%lo', '127.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::fffe:7f00:1', '::fffe:7f00:1'],
    ['192.0.2.1', '192.0.2.1'],
  ])('%s is %s', (text, plain) => {
    expect(plainIp(text)).toEqual(parseIp(plain))
  })
})
