import { contains, parseNetwork, plainIp } from '@sluice/net'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { NetworkTable } from './network-table.ts'

const tableOf = (...cidrs: string[]): NetworkTable<string> =>
  new NetworkTable(cidrs.map((cidr) => [parseNetwork(cidr), cidr]))

/** What is filed under all networks that hold the address, the smallest first. */
const found = (table: NetworkTable<string>, ip: string): string[] => {
  const values: string[] = []
  for (let entry = table.find(plainIp(ip)!); entry !== undefined; entry = entry.parent)
    values.push(...entry.values)
  return values
}

it.each([
  ['10.1.2.3', ['10.1.2.3/32', '10.1.0.0/16', '10.0.0.0/8']],
  ['10.1.2.4', ['10.1.0.0/16', '10.0.0.0/8']],
  ['10.2.0.0', ['10.0.0.0/8']],
  ['10.255.255.255', ['10.0.0.0/8']],
  ['9.255.255.255', []],
  ['11.0.0.0', []],
  ['192.0.2.130', ['192.0.2.128/25']],
  ['192.0.2.127', []],
  ['::ffff:10.2.0.0', ['10.0.0.0/8']],
  ['fd00::1', ['fd00::/8', '::/0']],
  ['2001:db8::1', ['::/0']],
])('%s is in %j', (ip, networks) => {
  const table = tableOf('fd00::/8', '10.1.2.3/32', '10.0.0.0/8', '::/0', '192.0.2.128/25', '10.1.0.0/16')
  expect(found(table, ip)).toEqual(networks)
})

it('keeps what is filed under one network in its order, however that is written', () => {
  const table = new NetworkTable([
    [parseNetwork('10.9.9.9/8'), 'first'],
    [parseNetwork('10.0.0.0/8'), 'second'],
  ])
  expect(found(table, '10.0.0.1')).toEqual(['first', 'second'])
})

it('finds what a look at each network finds', () => {
  // Few different bytes, so that networks hold each other and addresses often.
  const byte = fc.constantFrom(0, 1, 127, 128, 255)
  const bytes = (size: number): fc.Arbitrary<Uint8Array> =>
    fc.array(byte, { minLength: size, maxLength: size }).map((all) => Uint8Array.from(all))
  const ip = fc.oneof(bytes(4), bytes(16))
  const network = ip.chain((each) =>
    fc.record({ bytes: fc.constant(each), bits: fc.nat({ max: each.length * 8 }) }),
  )
  fc.assert(
    fc.property(fc.array(network, { maxLength: 30 }), fc.array(ip, { maxLength: 10 }), (networks, ips) => {
      const table = new NetworkTable(networks.map((each, i) => [each, i]))
      for (const each of ips) {
        const values: number[] = []
        for (let entry = table.find(each); entry !== undefined; entry = entry.parent)
          values.push(...entry.values)
        const wanted = networks.flatMap((one, i) => (contains(one, each) ? [i] : []))
        expect(values.toSorted((a, b) => a - b)).toEqual(wanted)
      }
    }),
  )
})
