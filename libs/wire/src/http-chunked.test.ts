import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChunkedScan } from './http-chunked.ts'
import { codeOf } from './testing/code-of.ts'
import { codecSuite } from './testing/codec-suite.ts'
import { measureChunked } from './testing/codecs.ts'
import { hex, utf8 } from './testing/hex.ts'

const SHORTEST = utf8('0\r\nA:\r\n\r\n').length

codecSuite({
  decode: measureChunked,
  encode: (size) => utf8(`0\r\nA:${'x'.repeat(size - SHORTEST)}\r\n\r\n`),
  known: [[String.raw`"0\r\nA:xxx\r\n\r\n"`, SHORTEST + 3]],
  values: fc.integer({ min: SHORTEST, max: 1000 }),
})

test('cut anywhere, it ends at the same byte, and takes nothing behind it', () => {
  const body = '5;a="b"\r\nhello\r\nA\r\n0123\r\n6789\r\n0\r\nX: y\r\n\r\n'
  const bytes = utf8(`${body}GET /`)
  for (let first = 0; first < bytes.length; first += 1) {
    for (let second = first; second < bytes.length; second += 1) {
      const scan = new ChunkedScan()
      let at = 0
      for (const end of [first, second, bytes.length])
        if (!scan.ended) at = scan.scan(bytes.subarray(0, end), at)
      expect([scan.ended, at]).toEqual([true, body.length])
    }
  }
})

test('tells its trailers, cut anywhere, without the blanks around them', () => {
  const bytes = Buffer.from('1\r\nx\r\n0\r\nX:\t y:z \xe9 \r\nx-empty:\r\n\r\nA: b\r\n', 'latin1')
  for (let cut = 0; cut < bytes.length; cut += 1) {
    const scan = new ChunkedScan()
    const told: string[][] = []
    scan.onTrailer = (...field): void => void told.push(field)
    const at = scan.scan(bytes.subarray(0, cut), 0)
    if (!scan.ended) scan.scan(bytes, at)
    expect(told).toEqual([['X', 'y:z \xe9'], ['x-empty', '']]) // prettier-ignore
  }
})

test.each([
  ['nothing for a size', '\\r', 'WIRE_SYNTAX'],
  ['a blank before the size', ' ', 'WIRE_SYNTAX'],
  ['a blank behind the size', '5 ', 'WIRE_SYNTAX'],
  ['a sign', '+', 'WIRE_SYNTAX'],
  ['a prefix', '0x', 'WIRE_SYNTAX'],
  ['LF behind the size', '5\\n', 'WIRE_SYNTAX'],
  ['CR alone', '5\\rh', 'WIRE_SYNTAX'],
  ['17 digits', '00000000000000005', 'WIRE_LENGTH'],
  ['2^53', '20000000000000\\r\\n', 'WIRE_LENGTH'],
  ['more data than the size', '1\\r\\nhe', 'WIRE_SYNTAX'],
  ['LF behind the data', '1\\r\\nh\\n', 'WIRE_SYNTAX'],
  ['an extension without a name', '5;\\r', 'WIRE_SYNTAX'],
  ['an extension without a value', '5;a=\\r', 'WIRE_SYNTAX'],
  ['a blank in an extension', '5;a ', 'WIRE_SYNTAX'],
  ['an escape in an extension', '5;a=\\"\\\\', 'WIRE_SYNTAX'],
  ['CR in a quoted value', '5;a=\\"\\r', 'WIRE_SYNTAX'],
  ['text behind a quoted value', '5;a=\\"b\\"c', 'WIRE_SYNTAX'],
  ['LF behind an extension', '5;a\\n', 'WIRE_SYNTAX'],
  ['LF behind the last chunk', '0\\r\\n\\n', 'WIRE_SYNTAX'],
  ['a blank before a trailer', '0\\r\\n ', 'WIRE_SYNTAX'],
  ['a blank behind the name of a trailer', '0\\r\\nA ', 'WIRE_SYNTAX'],
  ['LF in a trailer', '0\\r\\nA: b\\n', 'WIRE_SYNTAX'],
  ['NUL in a trailer', '0\\r\\nA: \\u0000', 'WIRE_SYNTAX'],
  ['a folded trailer', '0\\r\\nA: b\\r\\n ', 'WIRE_SYNTAX'],
  ['a trailer that frames', '0\\r\\ncontent-Length:', 'WIRE_VALUE'],
  ['a trailer that routes', '0\\r\\nHost:', 'WIRE_VALUE'],
  ['a trailer that authorizes', '0\\r\\nX: 1\\r\\nAuthorization:', 'WIRE_VALUE'],
] as const)('is refused at the first wrong byte: %s', (_, text, code) => {
  const bytes = hex(`"${text}"`)
  expect(codeOf(() => measureChunked(bytes))).toBe(code)
  expect(measureChunked(bytes.subarray(0, -1))).toBeUndefined()
})

test('data is told of wherever it is cut, and nothing else', () => {
  const body = utf8('3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n')
  for (let size = 1; size <= body.length; size += 1) {
    const scan = new ChunkedScan()
    let data = ''
    for (let at = 0; at < body.length; at += size) {
      const bytes = body.subarray(at, at + size)
      scan.onData = (start, end) => (data += Buffer.from(bytes.subarray(start, end)).toString())
      scan.scan(bytes, 0)
    }
    expect(data).toBe('abcde')
  }
})

describe('limits', () => {
  test.each([
    ['256 bytes of extensions', (over: number) => `1;${'a'.repeat(255 + over)}\r\nh\r\n0\r\n\r\n`],
    ['16 KiB of trailers', (over: number) => `0\r\nA:${'x'.repeat(16 * 1024 - 6 + over)}\r\n\r\n`],
    ['100 trailers', (over: number) => `0\r\n${'A:\r\n'.repeat(100 + over)}\r\n`],
  ])('%s', (_, body) => {
    expect(measureChunked(utf8(body(0)))?.value).toBe(body(0).length)
    expect(codeOf(() => measureChunked(utf8(body(1))))).toBe('WIRE_TOO_LONG')
  })

  test('chunks of 2^53 - 1 bytes together', () => {
    const scan = new ChunkedScan()
    expect(scan.scan(utf8('1fffffffffffff\r\n'), 0)).toBe(16)
  })
})
