import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeSocks4Reply,
  decodeSocks4Request,
  encodeSocks4Reply,
  encodeSocks4Request,
  SOCKS4_REPLY,
} from './socks4.ts'
import { address, ipv4, port } from './testing/arbitraries.ts'
import { codecSuite } from './testing/codec-suite.ts'
import { codeOf } from './testing/code-of.ts'
import { hex, utf8 } from './testing/hex.ts'

const byte = fc.integer({ min: 0, max: 255 })
const userId = fc.uint8Array({ maxLength: 511 }).map((bytes) => bytes.filter((each) => each !== 0))

codecSuite({
  decode: decodeSocks4Request,
  encode: encodeSocks4Request,
  known: [
    ['04 01 00 50 7f 00 00 01 00', { command: 1, address: { host: '127.0.0.1', port: 80 }, userId: hex('') }],
    [
      '04 02 00 15 00 00 00 00 "ada" 00',
      { command: 2, address: { host: '0.0.0.0', port: 21 }, userId: utf8('ada') },
    ],
    [
      '04 01 01 bb 00 00 00 01 "ada:horse" 00 "example.com" 00',
      { command: 1, address: { host: 'example.com', port: 443 }, userId: utf8('ada:horse') },
    ],
    [
      '04 01 01 bb 00 00 00 01 00 "2001:db8::7" 00',
      { command: 1, address: { host: '2001:db8::7', port: 443 }, userId: hex('') },
    ],
    [
      '04 ff 01 bb 00 00 00 01 00 "0.0.0.7" 00',
      { command: 255, address: { host: '0.0.0.7', port: 443 }, userId: hex('') },
    ],
  ],
  values: fc.record({ command: fc.integer({ min: 1, max: 255 }), address, userId }),
})

codecSuite({
  decode: decodeSocks4Reply,
  encode: ({ reply, bound }) => encodeSocks4Reply(reply, bound),
  known: [
    ['00 5a 00 00 00 00 00 00', { reply: SOCKS4_REPLY.GRANTED, bound: { host: '0.0.0.0', port: 0 } }],
    ['00 5d 1f 90 7f 00 00 01', { reply: SOCKS4_REPLY.OTHER_USER, bound: { host: '127.0.0.1', port: 8080 } }],
  ],
  values: fc.record({ reply: byte, bound: fc.record({ host: ipv4, port }) }),
})

test.each([
  ['SOCKS5', '05', 'WIRE_VERSION'],
  ['no command', '04 00', 'WIRE_VALUE'],
  ['a user id without an end', `04 01 00 50 7f 00 00 01 "${'u'.repeat(512)}"`, 'WIRE_TOO_LONG'],
  ['a user id that ends too late', `04 01 00 50 7f 00 00 01 "${'u'.repeat(512)}" 00`, 'WIRE_TOO_LONG'],
  ['no name where one is due', '04 01 00 50 00 00 00 01 00 00', 'WIRE_ADDRESS'],
  ['a blank in the name, at once', '04 01 00 50 00 00 00 01 00 "a "', 'WIRE_ADDRESS'],
  ['a name without an end', `04 01 00 50 00 00 00 01 00 "${'a'.repeat(256)}"`, 'WIRE_ADDRESS'],
  ['a name with a port', '04 01 00 50 00 00 00 01 00 "a:80" 00', 'WIRE_ADDRESS'],
] as const)('refuses %s', (_, bytes, code) => {
  expect(codeOf(() => decodeSocks4Request(hex(bytes)))).toBe(code)
})

test('refuses a reply of another version', () => {
  expect(codeOf(() => decodeSocks4Reply(hex('04 5a')))).toBe('WIRE_VERSION')
})

const target = { host: '127.0.0.1', port: 80 }
const request = { command: 1, address: target, userId: hex('') }
test.each([
  ['command 0', () => encodeSocks4Request({ ...request, command: 0 }), 'WIRE_VALUE'],
  ['command 256', () => encodeSocks4Request({ ...request, command: 256 }), 'WIRE_VALUE'],
  ['a NUL in the user id', () => encodeSocks4Request({ ...request, userId: hex('61 00') }), 'WIRE_VALUE'],
  [
    'a long user id',
    () => encodeSocks4Request({ ...request, userId: new Uint8Array(512).fill(1) }),
    'WIRE_TOO_LONG',
  ],
  ['a port', () => encodeSocks4Request({ ...request, address: { ...target, port: 65_536 } }), 'WIRE_ADDRESS'],
  ['a host', () => encodeSocks4Request({ ...request, address: { ...target, host: 'a b' } }), 'WIRE_ADDRESS'],
  ['a reply', () => encodeSocks4Reply(-1, target), 'WIRE_VALUE'],
  ['a reply from IPv6', () => encodeSocks4Reply(90, { host: '::1', port: 80 }), 'WIRE_ADDRESS'],
] as const)('does not encode %s', (_, act, code) => {
  expect(codeOf(act)).toBe(code)
})
