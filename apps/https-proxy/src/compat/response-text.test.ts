import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import type { HttpField } from '@sluice/wire'
import { expect, it } from 'vitest'
import { responseText } from './response-text.ts'

const TEXT = 'Größe '.repeat(100)
const utf8 = Buffer.from(TEXT)
const encoded = (coding: string): HttpField[] => [['Content-Encoding', coding]]

it.each([
  ['gzip', gzipSync(utf8)],
  ['X-GZIP', gzipSync(utf8)],
  ['deflate', deflateSync(utf8)],
  ['deflate', deflateRawSync(utf8)],
  ['br', brotliCompressSync(utf8)],
  ['gzip, br', brotliCompressSync(gzipSync(utf8))],
  ['identity', utf8],
])('unpacks %s', async (coding, bytes) => {
  const half = bytes.length >> 1
  expect(await responseText([bytes.subarray(0, half), bytes.subarray(half)], encoded(coding))).toBe(TEXT)
})

it.each([
  ['text/html; charset=ISO-8859-1', [0xe9], 'é'],
  ['text/html;charset="shift_jis"', [0x82, 0xa0], 'あ'],
  ['text/html; charset=nonsense', [0xc3, 0xa9], 'é'],
  ['application/json', [0xc3, 0xa9], 'é'],
  ['image/png', [0xff, 0x00], '\u{fffd}\u{0}'],
])('reads %s', async (type, bytes, text) => {
  expect(await responseText([Uint8Array.from(bytes)], [['content-type', type]])).toBe(text)
})

it('reads nothing of nothing', async () => {
  expect(await responseText([], [])).toBe('')
  expect(await responseText([], encoded('gzip'))).toBe('')
})

it.each([
  ['what is none', Buffer.from('no gzip'), 'RESPONSE_INVALID'],
  ['what was cut', gzipSync(utf8).subarray(0, -9), 'RESPONSE_INVALID'],
  ['what grows over 10 MiB', gzipSync(Buffer.alloc(10 * 1024 * 1024 + 1)), 'RESPONSE_TOO_LARGE'],
])('does not unpack %s', async (_, bytes, code) => {
  await expect(responseText([bytes], encoded('gzip'))).rejects.toMatchObject({ code })
})
