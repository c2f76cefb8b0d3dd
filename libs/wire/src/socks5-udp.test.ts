import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSocksDatagram, encodeSocksDatagram } from './socks5-udp.ts'
import { address } from './testing/arbitraries.ts'
import { codecSuite } from './testing/codec-suite.ts'
import { codeOf } from './testing/code-of.ts'
import { hex } from './testing/hex.ts'

codecSuite({
  decode: decodeSocksDatagram,
  encode: encodeSocksDatagram,
  known: [
    ['00 00 00 01 7f 00 00 01 00 35', { fragment: 0, address: { host: '127.0.0.1', port: 53 } }],
    ['00 00 81 03 0b "example.com" 01 bb', { fragment: 129, address: { host: 'example.com', port: 443 } }],
    [
      '00 00 00 04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 00 35',
      { fragment: 0, address: { host: '2001:db8::1', port: 53 } },
    ],
  ],
  values: fc.record({ fragment: fc.integer({ min: 0, max: 255 }), address }),
})

test.each([
  ['a reserved byte', '01', 'WIRE_VALUE'],
  ['the other reserved byte', '00 01', 'WIRE_VALUE'],
  ['an unknown address type', '00 00 00 02', 'WIRE_ADDRESS_TYPE'],
  ['an empty name', '00 00 00 03 00 00 35', 'WIRE_ADDRESS'],
] as const)('refuses %s', (_, bytes, code) => {
  expect(codeOf(() => decodeSocksDatagram(hex(bytes)))).toBe(code)
})

test('does not encode what is no fragment', () => {
  const header = { fragment: 256, address: { host: '127.0.0.1', port: 53 } }
  expect(codeOf(() => encodeSocksDatagram(header))).toBe('WIRE_VALUE')
})
