import { describe, expect, test } from 'vitest'
import { decodeSocksAddress, encodeSocksAddress } from './socks-address.ts'
import { address } from './testing/arbitraries.ts'
import { codecSuite } from './testing/codec-suite.ts'
import { hex } from './testing/hex.ts'
import { codeOf } from './testing/code-of.ts'

codecSuite({
  decode: decodeSocksAddress,
  encode: encodeSocksAddress,
  known: [
    ['01 7f 00 00 01 1f 90', { host: '127.0.0.1', port: 8080 }],
    ['04 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 01 bb', { host: '2001:db8::1', port: 443 }],
    ['04 00 00 00 00 00 00 00 00 00 00 ff ff 7f 00 00 01 00 00', { host: '::ffff:127.0.0.1', port: 0 }],
    ['03 0b "example.com" 00 50', { host: 'example.com', port: 80 }],
    [`03 ff "${'a'.repeat(255)}" ff ff`, { host: 'a'.repeat(255), port: 65535 }],
    ['03 0a "2130706433" 00 50', { host: '2130706433', port: 80 }],
    ['03 06 "0x7f.1" 00 50', { host: '0x7f.1', port: 80 }],
  ],
  values: address,
})

test.each([
  ['03 09 "127.0.0.1" 00 50', '127.0.0.1'],
  ['03 03 "::1" 00 50', '::1'],
  ['03 0f "0:0:0:0:0:0:0:1" 00 50', '::1'],
  ['03 10 "::ffff:127.0.0.1" 00 50', '::ffff:127.0.0.1'],
])('an IP literal sent as a name is that address: %s', (bytes, host) => {
  expect(decodeSocksAddress(hex(bytes))?.value).toEqual({ host, port: 80 })
})

test('it reads from the middle of a message', () => {
  expect(decodeSocksAddress(hex('ff ff 03 01 "a" 00 50 ff'), 2)).toEqual({
    value: { host: 'a', port: 80 },
    size: 5,
  })
  expect(decodeSocksAddress(hex('ff ff'), 2)).toBeUndefined()
})

describe('refused at the first wrong byte', () => {
  test.each(['00', '02', '05', 'ff'])('address type %s', (bytes) => {
    expect(codeOf(() => decodeSocksAddress(hex(bytes)))).toBe('WIRE_ADDRESS_TYPE')
  })

  test.each([
    ['an empty name', '03 00'],
    ['NUL', '03 05 "a" 00'],
    ['a control character', '03 05 "a" 0a'],
    ['a blank', '03 05 "a" 20'],
    ['DEL', '03 05 "a" 7f'],
    ['a byte above ASCII', '03 05 "a" c3'],
    ['a slash', '03 05 "a/"'],
    ['a userinfo', '03 05 "a@"'],
    ['a bracket', '03 05 "["'],
    ['a zone', '03 08 "fe80::1%"'],
    ['a colon, but no IPv6 address', '03 04 "a:80"'],
    ['too many colons', '03 04 "::::"'],
  ])('%s', (_, bytes) => {
    expect(codeOf(() => decodeSocksAddress(hex(bytes)))).toBe('WIRE_ADDRESS')
  })
})

test.each([
  { host: 'a', port: -1 },
  { host: 'a', port: 65536 },
  { host: 'a', port: 1.5 },
  { host: 'a', port: Number.NaN },
  { host: '', port: 1 },
  { host: 'a'.repeat(256), port: 1 },
  { host: 'a b', port: 1 },
  { host: '[::1]', port: 1 },
  { host: 'bücher.example', port: 1 },
])('%j cannot be encoded', (value) => {
  expect(codeOf(() => encodeSocksAddress(value))).toBe('WIRE_ADDRESS')
})
