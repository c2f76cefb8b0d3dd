import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createRequestHeadDecoder,
  createResponseHeadDecoder,
  decodeRequestHead,
  decodeResponseHead,
  encodeRequestHead,
  encodeResponseHead,
  fieldValues,
  type HttpField,
  type RequestHead,
} from './http-head.ts'
import { codecSuite } from './testing/codec-suite.ts'
import { codecs } from './testing/codecs.ts'
import { hex, utf8 } from './testing/hex.ts'
import { codeOf } from './testing/code-of.ts'

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/)
const text = fc.stringMatching(/^[!-~\u0080-\u00ff](?:[\t -~\u0080-\u00ff]{0,40}[!-~\u0080-\u00ff])?$|^$/)
const fields = fc.array(fc.tuple(token, text), { maxLength: 20 })
const version = fc.constantFrom('1.0' as const, '1.1' as const)

codecSuite({
  decode: decodeRequestHead,
  encode: encodeRequestHead,
  known: [
    [
      String.raw`"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"`,
      { method: 'CONNECT', target: 'example.com:443', version: '1.1', fields: [['Host', 'example.com:443']] },
    ],
    ['"GET /" 20 "HTTP/1.0" 0d 0a 0d 0a', { method: 'GET', target: '/', version: '1.0', fields: [] }],
    [
      String.raw`"M-SEARCH * HTTP/1.1\r\nX: a \t b\r\nx: \u00e9\u0085\r\nX: \r\n\r\n"`,
      {
        method: 'M-SEARCH',
        target: '*',
        version: '1.1',
        fields: [
          ['X', 'a \t b'],
          ['x', 'é\u0085'],
          ['X', ''],
        ],
      },
    ],
  ],
  values: fc.record({ method: token, target: fc.stringMatching(/^[!-~]{1,80}$/), version, fields }),
})

codecSuite({
  decode: decodeResponseHead,
  encode: encodeResponseHead,
  known: [
    [
      String.raw`"HTTP/1.1 200 Connection established\r\n\r\n"`,
      { version: '1.1', status: 200, reason: 'Connection established', fields: [] },
    ],
    [
      String.raw`"HTTP/1.0 407 \r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"`,
      { version: '1.0', status: 407, reason: '', fields: [['Proxy-Authenticate', 'Basic realm="x"']] },
    ],
  ],
  values: fc.record({ version, status: fc.integer({ min: 100, max: 999 }), reason: text, fields }),
})

function withFirstLine(size: number): Uint8Array {
  return utf8(`GET ${'/'.repeat(size - 15)} HTTP/1.1\r\n\r\n`)
}

test('blanks around a value are not part of it', () => {
  const head = decodeRequestHead(hex(String.raw`"GET / HTTP/1.1\r\nA:\t  b \t\r\nC:   \r\nD:e\r\n\r\n"`))
  expect(head?.value.fields).toEqual([
    ['A', 'b'],
    ['C', ''],
    ['D', 'e'],
  ])
})

test('a response may leave out the reason and its blank', () => {
  expect(decodeResponseHead(hex(String.raw`"HTTP/1.1 204\r\n\r\n"`))?.value).toMatchObject({
    status: 204,
    reason: '',
  })
})

test.each([
  ['an empty line in front', String.raw`"\r"`, 'WIRE_SYNTAX'],
  ['SOCKS5', '05', 'WIRE_SYNTAX'],
  ['a TLS hello', '16', 'WIRE_SYNTAX'],
  ['a blank in front', '" "', 'WIRE_SYNTAX'],
  ['a control character in the method', '"GE" 00', 'WIRE_SYNTAX'],
  ['a separator in the method', '"GE/"', 'WIRE_SYNTAX'],
  ['two blanks', '"GET  "', 'WIRE_SYNTAX'],
  ['HTTP/0.9', String.raw`"GET /\r"`, 'WIRE_SYNTAX'],
  ['a tab behind the target', String.raw`"GET /\t"`, 'WIRE_SYNTAX'],
  ['a byte above ASCII in the target', '"GET /" c3', 'WIRE_SYNTAX'],
  ['another protocol', '"GET / HTTPS"', 'WIRE_SYNTAX'],
  ['lower case', '"GET / h"', 'WIRE_SYNTAX'],
  ['HTTP/2', '"GET / HTTP/2"', 'WIRE_VERSION'],
  ['HTTP/1.2', '"GET / HTTP/1.2"', 'WIRE_VERSION'],
  ['HTTP/1.10', '"GET / HTTP/1.10"', 'WIRE_SYNTAX'],
  ['a blank behind the version', '"GET / HTTP/1.1 "', 'WIRE_SYNTAX'],
  ['LF alone', String.raw`"GET / HTTP/1.1\n"`, 'WIRE_SYNTAX'],
  ['CR alone', String.raw`"GET / HTTP/1.1\rH"`, 'WIRE_SYNTAX'],
  ['a fold', String.raw`"GET / HTTP/1.1\r\nA: b\r\n "`, 'WIRE_SYNTAX'],
  ['a fold with a tab', String.raw`"GET / HTTP/1.1\r\nA: b\r\n\t"`, 'WIRE_SYNTAX'],
  ['a blank before the colon', String.raw`"GET / HTTP/1.1\r\nA "`, 'WIRE_SYNTAX'],
  ['no name', String.raw`"GET / HTTP/1.1\r\n:"`, 'WIRE_SYNTAX'],
  ['no colon', String.raw`"GET / HTTP/1.1\r\nA\r"`, 'WIRE_SYNTAX'],
  ['NUL in a value', String.raw`"GET / HTTP/1.1\r\nA: b" 00`, 'WIRE_SYNTAX'],
  ['DEL in a value', String.raw`"GET / HTTP/1.1\r\nA: b" 7f`, 'WIRE_SYNTAX'],
  ['LF in a value', String.raw`"GET / HTTP/1.1\r\nA: b\n"`, 'WIRE_SYNTAX'],
  ['CR in a value', String.raw`"GET / HTTP/1.1\r\nA: b\rc"`, 'WIRE_SYNTAX'],
  ['CR instead of the end', String.raw`"GET / HTTP/1.1\r\nA: b\r\n\r\r"`, 'WIRE_SYNTAX'],
] as const)('a request is refused at the first wrong byte: %s', (_, bytes, code) => {
  const input = hex(bytes)
  expect(codeOf(() => decodeRequestHead(input))).toBe(code)
  expect(decodeRequestHead(input.subarray(0, -1))).toBeUndefined()
})

test.each([
  ['a request', '"G"', 'WIRE_SYNTAX'],
  ['HTTP/2', '"HTTP/2"', 'WIRE_VERSION'],
  ['no status', String.raw`"HTTP/1.1\r"`, 'WIRE_SYNTAX'],
  ['a status below 100', '"HTTP/1.1 0"', 'WIRE_SYNTAX'],
  ['a status of two digits', '"HTTP/1.1 20 "', 'WIRE_SYNTAX'],
  ['a status of four digits', '"HTTP/1.1 2000"', 'WIRE_SYNTAX'],
  ['NUL in the reason', '"HTTP/1.1 200 O" 00', 'WIRE_SYNTAX'],
  ['LF in the reason', String.raw`"HTTP/1.1 200 O\n"`, 'WIRE_SYNTAX'],
] as const)('a response is refused at the first wrong byte: %s', (_, bytes, code) => {
  const input = hex(bytes)
  expect(codeOf(() => decodeResponseHead(input))).toBe(code)
  expect(decodeResponseHead(input.subarray(0, -1))).toBeUndefined()
})

describe('limits', () => {
  const line = 'GET / HTTP/1.1\r\n'

  function sized(size: number): Uint8Array {
    return utf8(`${line}A: ${'a'.repeat(size - line.length - 7)}\r\n\r\n`)
  }

  test('a head has at most 16 KiB', () => {
    expect(decodeRequestHead(sized(16 * 1024))?.size).toBe(16 * 1024)
    const longer = sized(16 * 1024 + 1)
    expect(decodeRequestHead(longer.subarray(0, 16 * 1024))).toBeUndefined()
    expect(codeOf(() => decodeRequestHead(longer))).toBe('WIRE_TOO_LONG')
    expect(codeOf(() => decodeRequestHead(sized(64 * 1024)))).toBe('WIRE_TOO_LONG')
  })

  test('a first line has at most 8 KiB, with its CRLF', () => {
    expect(decodeRequestHead(withFirstLine(8 * 1024))?.size).toBe(8 * 1024 + 2)
    expect(decodeRequestHead(withFirstLine(8 * 1024 + 1).subarray(0, 8 * 1024))).toBeUndefined()
    expect(codeOf(() => decodeRequestHead(withFirstLine(8 * 1024 + 1)))).toBe('WIRE_TOO_LONG')
    expect(codeOf(() => decodeRequestHead(new Uint8Array(9000).fill(0x41)))).toBe('WIRE_TOO_LONG')
    expect(codeOf(() => decodeResponseHead(hex(`"HTTP/1.1 200 ${'x'.repeat(9000)}"`)))).toBe('WIRE_TOO_LONG')
  })

  test('a head has at most 100 fields', () => {
    const heads = [100, 101].map((count) => utf8(`${line}${'A:\r\n'.repeat(count)}\r\n`))
    expect(decodeRequestHead(heads[0]!)?.value.fields).toHaveLength(100)
    expect(codeOf(() => decodeRequestHead(heads[1]!))).toBe('WIRE_TOO_LONG')
  })

  test('what a reader would refuse is not written', () => {
    const head: RequestHead = { method: 'GET', target: '/', version: '1.1', fields: [] }
    const many: HttpField[] = Array.from({ length: 101 }, () => ['A', ''])
    expect(codeOf(() => encodeRequestHead({ ...head, fields: many }))).toBe('WIRE_TOO_LONG')
    expect(codeOf(() => encodeRequestHead({ ...head, target: '/'.repeat(9000) }))).toBe('WIRE_TOO_LONG')
    expect(codeOf(() => encodeRequestHead({ ...head, fields: [['A', 'a'.repeat(17_000)]] }))).toBe(
      'WIRE_TOO_LONG',
    )
  })
})

describe('a decoder that remembers', () => {
  test.each([
    ['http request head', createRequestHeadDecoder],
    ['http response head', createResponseHeadDecoder],
  ] as const)('%s: byte by byte as at once, and again for the next one', (name, create) => {
    const codec = codecs.find((one) => one.name === name)!
    const decode = create()
    for (const bytes of codec.sample) {
      for (let end = 0; end < bytes.length; end++) expect(decode(bytes.subarray(0, end))).toBeUndefined()
      expect(decode(bytes)).toEqual(codec.decode(bytes))
    }
  })

  test('never looks at a byte twice, and keeps refusing', () => {
    const decode = createRequestHeadDecoder()
    const bytes = hex('"GET / HTT"')
    expect(decode(bytes)).toBeUndefined()
    bytes.fill(0, 0, 8)
    expect(decode(bytes)).toBeUndefined()
    bytes[8] = 0x51
    expect(decode(bytes)).toBeUndefined()
    for (let again = 0; again < 2; again++)
      expect(codeOf(() => decode(hex('"GET / HTTQ"')))).toBe('WIRE_SYNTAX')
  })
})

test('field values are found in any case, in their order', () => {
  const head = { fields: [['Via', 'a'] as const, ['Host', 'h'] as const, ['VIA', 'b'] as const] }
  expect(fieldValues(head, 'via')).toEqual(['a', 'b'])
  expect(fieldValues(head, 'hOST')).toEqual(['h'])
  expect(fieldValues(head, 'Age')).toEqual([])
})

test.each([
  ['a method with a blank', { method: 'GET /' }],
  ['an empty method', { method: '' }],
  ['a target with a blank', { target: '/ HTTP/1.1' }],
  ['a target with CRLF', { target: '/\r\n' }],
  ['a name with a colon', { fields: [['A:', 'b']] }],
  ['a name with a blank', { fields: [['A ', 'b']] }],
  ['a value with CRLF', { fields: [['A', 'b\r\nC: d']] }],
  ['a value with LF', { fields: [['A', 'b\n']] }],
  ['a value with NUL', { fields: [['A', 'b\u0000']] }],
  ['a value with a blank behind it', { fields: [['A', 'b ']] }],
  ['a value above Latin-1', { fields: [['A', '€']] }],
] as const)('%s cannot be encoded', (_, change) => {
  const head: RequestHead = { method: 'GET', target: '/', version: '1.1', fields: [], ...change }
  expect(codeOf(() => encodeRequestHead(head))).toBe('WIRE_SYNTAX')
})

test('a response needs a status, and takes the rest for granted', () => {
  expect(encodeResponseHead({ status: 200, fields: [] })).toEqual(hex(String.raw`"HTTP/1.1 200 \r\n\r\n"`))
  expect(codeOf(() => encodeResponseHead({ status: 99, fields: [] }))).toBe('WIRE_VALUE')
  expect(codeOf(() => encodeResponseHead({ status: 200.5, fields: [] }))).toBe('WIRE_VALUE')
  expect(codeOf(() => encodeResponseHead({ status: 200, reason: 'a\r\nB: c', fields: [] }))).toBe(
    'WIRE_SYNTAX',
  )
})
