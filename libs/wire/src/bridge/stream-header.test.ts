import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { streamHeaders } from '../testing/bridge-codecs.ts'
import { codeOf } from '../testing/code-of.ts'
import { codecSuite } from '../testing/codec-suite.ts'
import {
  decodeStreamHeader,
  encodeStreamHeader,
  STREAM_STATUS,
  type StreamHeader,
  streamStatusName,
  streamStatusOf,
} from './index.ts'

const text = fc.string({ unit: fc.constantFrom('a', ':', '"', 'é'), maxLength: 60 })
const proxy = fc.option(fc.record({ version: fc.constantFrom(1 as const, 2 as const), to: text }), {
  nil: undefined,
})
const values: fc.Arbitrary<StreamHeader> = fc.oneof(
  fc
    .record({ type: fc.constant('tcp' as const), target: text, visitor: text, proxy })
    .map(({ proxy: header, ...rest }) => ({ ...rest, ...(header && { proxy: header }) })),
  fc.record({ type: fc.constant('udp' as const), target: text, visitor: text }),
  fc.record({ type: fc.constant('packets' as const), visitor: text }),
  fc.record({ type: fc.constant('file' as const), path: text, strip: text, visitor: text }),
  fc.record({ type: fc.constantFrom('status' as const, 'leave' as const) }),
)

codecSuite({ decode: decodeStreamHeader, encode: encodeStreamHeader, known: streamHeaders, values })

const header = (value: unknown): Uint8Array => encodeStreamHeader(value as StreamHeader)

test.each([
  ['no object', [], 'WIRE_SYNTAX'],
  ['an unknown type', { type: 'kcp' }, 'WIRE_VALUE'],
  ['no target', { type: 'udp', visitor: 'a' }, 'WIRE_VALUE'],
  ['a control character', { type: 'udp', target: 'a\r\n', visitor: 'a' }, 'WIRE_VALUE'],
  ['a long target', { type: 'udp', target: 'a'.repeat(301), visitor: 'a' }, 'WIRE_VALUE'],
  [
    'a PROXY header of version 3',
    { type: 'tcp', target: 'a', visitor: 'a', proxy: { version: 3 } },
    'WIRE_VALUE',
  ],
  ['a PROXY header that is none', { type: 'tcp', target: 'a', visitor: 'a', proxy: null }, 'WIRE_VALUE'],
  ['a password in clear', { type: 'visit', password: 'secret' }, 'WIRE_VALUE'],
])('%s is refused', (_what, value, code) => {
  expect(codeOf(() => decodeStreamHeader(header(value)))).toBe(code)
})

test('a header is no longer than 4,096 octets', () => {
  expect(codeOf(() => decodeStreamHeader(Uint8Array.of(0x10, 0x01)))).toBe('WIRE_TOO_LONG')
  expect(decodeStreamHeader(Uint8Array.of(0x10, 0x00))).toBeUndefined()
  const [path, strip] = ['é'.repeat(1024), 'é'.repeat(1024)]
  expect(codeOf(() => header({ type: 'file', path, strip, visitor: 'a' }))).toBe('WIRE_TOO_LONG')
})

test('every status has a name, and what has none is DIAL_FAILED', () => {
  for (const [name, status] of Object.entries(STREAM_STATUS)) {
    expect([streamStatusName(status), streamStatusOf(name)]).toEqual([name, status])
  }
  expect(streamStatusName(200)).toBeUndefined()
  expect(streamStatusOf('toString')).toBe(STREAM_STATUS.DIAL_FAILED)
})
