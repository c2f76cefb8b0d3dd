import { expect, it } from 'vitest'
import { wideNetwork } from './wide-network.ts'

it.each([
  ['192.0.2.1', '192.0.2.0/24'],
  ['::ffff:192.0.2.255', '192.0.2.0/24'],
  ['2001:db8:1:2::3', '2001:db8:1::/48'],
  ['2001:db8:1:ffff:1:2:3:4', '2001:db8:1::/48'],
  ['fe80::1%eth0', 'fe80::/48'],
  ['::1', '::/48'],
  ['no address', 'no address'],
])('%s is in %s', (ip, network) => {
  expect(wideNetwork(ip)).toBe(network)
})
