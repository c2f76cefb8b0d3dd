import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../testing/code-of.ts'
import { codecSuite } from '../testing/codec-suite.ts'
import { EMPTY, MAGIC, REQUEST, RESPONSE } from '../testing/compat-vectors.ts'
import { hex, utf8 } from '../testing/hex.ts'
import {
  COMPAT_MAX_BYTES,
  decodeCompatHead,
  decodeCompatRequest,
  decodeCompatResponse,
  encodeCompatHead,
  encodeCompatRequest,
  encodeCompatResponse,
  openCompat,
} from './frame.ts'

const key = Uint8Array.from({ length: 33 }, (_, index) => 0x20 + index)
const nonce = hex('00 01 02 03')
const request = { nonce, key, data: utf8('{"url":"https://example.com/","headers":{}}') }
const response = { key, data: utf8('{"status_code":200,"headers":{"X":"é"},"body":"ok"}') }

const anyNonce = fc.uint8Array({ minLength: 4, maxLength: 4 })
const anyFrame = { key: fc.uint8Array({ minLength: 33, maxLength: 200 }), data: fc.uint8Array() }

describe('head', () => {
  codecSuite({
    decode: decodeCompatHead,
    encode: encodeCompatHead,
    known: [
      [`${MAGIC} 00 00 00 4d`, { nonce, length: 0x4d }],
      ['ff a5 00 80 a5 16 88 1f 00 a0 00 00', { nonce: hex('ff a5 00 80'), length: COMPAT_MAX_BYTES }],
      ['de ad be ef 84 0e 12 fa 00 00 00 00', { nonce: hex('de ad be ef'), length: 0 }],
    ],
    values: fc.record({ nonce: anyNonce, length: fc.nat(COMPAT_MAX_BYTES) }),
  })
})

describe('request', () => {
  codecSuite({
    decode: decodeCompatRequest,
    encode: encodeCompatRequest,
    known: [[REQUEST, request]],
    values: fc.record({ nonce: anyNonce, ...anyFrame }),
  })
})

describe('response', () => {
  codecSuite({
    decode: decodeCompatResponse,
    encode: encodeCompatResponse,
    known: [
      [RESPONSE, response],
      [EMPTY, { key, data: new Uint8Array(0) }],
    ],
    values: fc.record(anyFrame),
  })
})

test.each([4, 5, 6, 7])('a wrong byte %i of the magic is one as soon as it is there', (at) => {
  const bytes = hex(MAGIC)
  bytes[at]! ^= 1
  expect(codeOf(() => decodeCompatHead(bytes.subarray(0, at + 1)))).toBe('WIRE_VERSION')
  expect(codeOf(() => decodeCompatRequest(bytes.subarray(0, at + 1)))).toBe('WIRE_VERSION')
})

test.each(['01', '00 a1', '00 a0 01', '00 a0 00 01', 'ff ff ff ff'])(
  'a length that begins with %s is too long at once',
  (length) => {
    expect(codeOf(() => decodeCompatResponse(hex(length)))).toBe('WIRE_TOO_LONG')
    expect(codeOf(() => decodeCompatHead(hex(`${MAGIC} ${length}`)))).toBe('WIRE_TOO_LONG')
  },
)

test.each([
  ['a payload without room for a key', '00 00 00 21'],
  ['an empty payload', '00 00 00 00'],
  ['a key that is too short', '00 00 01 00 20'],
  ['a key that is too long', '00 00 01 00 c9'],
  ['a key longer than its payload', '00 00 00 32 32'],
])('%s', (_, bytes) => expect(codeOf(() => decodeCompatResponse(hex(bytes)))).toBe('WIRE_LENGTH'))

test.each(['', '00', '20', '21 00', `c9 ${'00 '.repeat(250)}`])('a payload %s has no key', (bytes) => {
  expect(codeOf(() => openCompat(hex(bytes)))).toBe('WIRE_LENGTH')
})

test('a payload is opened where it lies', () => {
  const payload = hex(REQUEST).subarray(12)
  const data = openCompat(payload)
  expect(data).toEqual(request.data)
  expect(data.buffer).toBe(payload.buffer)
})

test('what cannot be told is not told', () => {
  const data = new Uint8Array(0)
  const tooMuch = new Uint8Array(COMPAT_MAX_BYTES - 33)
  expect(codeOf(() => encodeCompatHead({ nonce: key, length: 1 }))).toBe('WIRE_LENGTH')
  expect(codeOf(() => encodeCompatHead({ nonce, length: COMPAT_MAX_BYTES + 1 }))).toBe('WIRE_TOO_LONG')
  expect(codeOf(() => encodeCompatRequest({ nonce, key, data: tooMuch }))).toBe('WIRE_TOO_LONG')
  for (const size of [0, 32, 201]) {
    expect(codeOf(() => encodeCompatResponse({ key: new Uint8Array(size), data }))).toBe('WIRE_LENGTH')
  }
})

test('the largest frame is one, and of the longest key a known one', () => {
  const data = new Uint8Array(COMPAT_MAX_BYTES - 34)
  const bytes = encodeCompatResponse({ key, data })
  expect(bytes.length).toBe(4 + COMPAT_MAX_BYTES)
  expect(openCompat(bytes.subarray(4)).every((byte) => byte === 0)).toBe(true)

  const longest = Uint8Array.from({ length: 200 }, (_, index) => 7 * index + 3)
  const known = encodeCompatResponse({ key: longest, data: Uint8Array.from({ length: 512 }, (_, i) => i) })
  expect(createHash('sha256').update(known).digest('hex')).toBe(
    '665bd06a2f39e2cf5c91f56542f8f0ea074f1cc609ad49b78c2d725b0d06d669',
  )
})
