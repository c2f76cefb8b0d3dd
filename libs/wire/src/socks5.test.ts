import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  COMMAND,
  decodeGreeting,
  decodeMethod,
  decodeReply,
  decodeRequest,
  decodeUserPass,
  decodeUserPassStatus,
  encodeGreeting,
  encodeMethod,
  encodeReply,
  encodeRequest,
  encodeUserPass,
  encodeUserPassStatus,
  METHOD,
  REPLY,
} from './socks5.ts'
import { address, credentials } from './testing/arbitraries.ts'
import { codecSuite } from './testing/codec-suite.ts'
import { hex, utf8 } from './testing/hex.ts'
import { codeOf } from './testing/code-of.ts'

const upTo255 = fc.uint8Array({ maxLength: 255 })
const byte = fc.integer({ min: 0, max: 255 })
const loopback = { host: '127.0.0.1', port: 8080 }

codecSuite({
  decode: decodeGreeting,
  encode: encodeGreeting,
  known: [
    ['05 00', { methods: hex('') }],
    ['05 02 00 02', { methods: Uint8Array.of(METHOD.NONE, METHOD.USER_PASS) }],
    [`05 ff ${'80 '.repeat(255)}`, { methods: new Uint8Array(255).fill(0x80) }],
  ],
  values: fc.record({ methods: upTo255 }),
})

codecSuite({
  decode: decodeMethod,
  encode: encodeMethod,
  known: [
    ['05 02', METHOD.USER_PASS],
    ['05 ff', METHOD.NO_ACCEPTABLE],
  ],
  values: byte,
})

codecSuite({
  decode: decodeUserPass,
  encode: encodeUserPass,
  known: [
    ['01 05 "alice" 06 "s3cret"', { username: utf8('alice'), password: utf8('s3cret') }],
    ['01 00 00', { username: hex(''), password: hex('') }],
    ['01 02 ff fe 01 00', { username: hex('ff fe'), password: hex('00') }],
    [
      `01 ff "${'u'.repeat(255)}" ff "${'p'.repeat(255)}"`,
      { username: utf8('u'.repeat(255)), password: utf8('p'.repeat(255)) },
    ],
  ],
  values: credentials(upTo255),
})

codecSuite({
  decode: decodeUserPassStatus,
  encode: encodeUserPassStatus,
  known: [
    ['01 00', 0],
    ['01 ff', 255],
  ],
  values: byte,
})

codecSuite({
  decode: decodeRequest,
  encode: encodeRequest,
  known: [
    ['05 01 00 01 7f 00 00 01 1f 90', { command: COMMAND.CONNECT, address: loopback }],
    [
      '05 03 00 03 0b "example.com" 01 bb',
      { command: COMMAND.UDP_ASSOCIATE, address: { host: 'example.com', port: 443 } },
    ],
    ['05 ff 00 01 7f 00 00 01 1f 90', { command: 255, address: loopback }],
  ],
  values: fc.record({ command: fc.integer({ min: 1, max: 255 }), address }),
})

codecSuite({
  decode: decodeReply,
  encode: ({ reply, bound }) => encodeReply(reply, bound),
  known: [
    ['05 00 00 01 7f 00 00 01 1f 90', { reply: REPLY.SUCCEEDED, bound: loopback }],
    [
      '05 05 00 01 00 00 00 00 00 00',
      { reply: REPLY.CONNECTION_REFUSED, bound: { host: '0.0.0.0', port: 0 } },
    ],
    [`05 00 00 04 ${'00 '.repeat(15)} 01 00 01`, { reply: REPLY.SUCCEEDED, bound: { host: '::1', port: 1 } }],
  ],
  values: fc.record({ reply: byte, bound: address }),
})

test('a client that sends everything at once is read message by message', () => {
  const all = hex('05 01 02  01 01 "u" 01 "p"  05 01 00 03 01 "a" 00 50  "early data"')
  let rest = all.subarray(decodeGreeting(all)!.size)
  rest = rest.subarray(decodeUserPass(rest)!.size)
  const request = decodeRequest(rest)!
  expect(request.value).toEqual({ command: 1, address: { host: 'a', port: 80 } })
  expect(rest.subarray(request.size)).toEqual(utf8('early data'))
})

test.each([
  ['SOCKS4', decodeGreeting, '04', 'WIRE_VERSION'],
  ['HTTP', decodeGreeting, '"C"', 'WIRE_VERSION'],
  ['the version of the greeting again', decodeUserPass, '05', 'WIRE_VERSION'],
  ['a method of version 4', decodeMethod, '04', 'WIRE_VERSION'],
  ['a status of version 5', decodeUserPassStatus, '05', 'WIRE_VERSION'],
  ['a request of version 1', decodeRequest, '01', 'WIRE_VERSION'],
  ['a reply of version 1', decodeReply, '01', 'WIRE_VERSION'],
  ['command 0', decodeRequest, '05 00', 'WIRE_VALUE'],
  ['RSV', decodeRequest, '05 01 01', 'WIRE_VALUE'],
  ['RSV in a reply', decodeReply, '05 00 ff', 'WIRE_VALUE'],
  ['an unknown address type', decodeRequest, '05 01 00 02', 'WIRE_ADDRESS_TYPE'],
  ['an empty name', decodeRequest, '05 01 00 03 00', 'WIRE_ADDRESS'],
  ['NUL in a name', decodeRequest, '05 01 00 03 04 "a" 00', 'WIRE_ADDRESS'],
] as const)('refused at the first wrong byte: %s', (_, decode, bytes, code) => {
  const input = hex(bytes)
  expect(codeOf(() => decode(input))).toBe(code)
  expect(decode(input.subarray(0, -1))).toBeUndefined()
})

test('what does not fit into the wire is refused', () => {
  const long = new Uint8Array(256)
  expect(codeOf(() => encodeGreeting({ methods: long }))).toBe('WIRE_TOO_LONG')
  expect(codeOf(() => encodeUserPass({ username: long, password: hex('') }))).toBe('WIRE_TOO_LONG')
  expect(codeOf(() => encodeUserPass({ username: hex(''), password: long }))).toBe('WIRE_TOO_LONG')
  for (const value of [-1, 256, 0.5]) {
    expect(codeOf(() => encodeMethod(value))).toBe('WIRE_VALUE')
    expect(codeOf(() => encodeUserPassStatus(value))).toBe('WIRE_VALUE')
    expect(codeOf(() => encodeReply(value, loopback))).toBe('WIRE_VALUE')
    expect(codeOf(() => encodeRequest({ command: value, address: loopback }))).toBe('WIRE_VALUE')
  }
  expect(codeOf(() => encodeRequest({ command: 0, address: loopback }))).toBe('WIRE_VALUE')
})
