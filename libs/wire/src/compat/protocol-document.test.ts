import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { hex } from '../testing/hex.ts'
import {
  COMPAT_KEY_BYTES,
  COMPAT_MAX_BYTES,
  decodeCompatHead,
  decodeCompatRequest,
  decodeCompatResponse,
  encodeCompatHead,
  encodeCompatRequest,
  encodeCompatResponse,
} from './frame.ts'

// docs/protocols/https-proxy-compat.md is enough to write a client from, so what it shows has to be what is done here.

const page = readFileSync(
  new URL('../../../../docs/protocols/https-proxy-compat.md', import.meta.url),
  'utf8',
)
const blocks = (name: string): Uint8Array[] =>
  [...page.matchAll(/^```hex (\w+)\n(.*?)^```$/gms)]
    .filter(([, kind]) => kind === name)
    .map(([, , body]) => hex(body!))
/** The data that stands in the text before the frame. */
const shown = (start: string): Uint8Array =>
  new TextEncoder().encode(
    page
      .match(/^`(\{.*\})` with/gm)!
      .map((line) => line.slice(1, line.lastIndexOf('`')))
      .find((text) => text.startsWith(start)),
  )

test('the heads are heads', () => {
  const heads = blocks('head')
  expect(heads).toHaveLength(2)
  for (const bytes of heads) expect(encodeCompatHead(decodeCompatHead(bytes)!.value)).toEqual(bytes)
  expect(decodeCompatHead(heads[1]!)!.value.length).toBe(COMPAT_MAX_BYTES)
})

test('the request is what is said of it', () => {
  const [bytes] = blocks('request')
  const { value } = decodeCompatRequest(bytes!)!
  expect(value.data).toEqual(shown('{"url"'))
  expect(value.key).toEqual(Uint8Array.from({ length: 33 }, (_, index) => 0x20 + index))
  expect(encodeCompatRequest(value)).toEqual(bytes)
})

test('the response is what is said of it', () => {
  const [bytes] = blocks('response')
  const { value } = decodeCompatResponse(bytes!)!
  expect(value.data).toEqual(shown('{"status_code"'))
  expect(encodeCompatResponse(value)).toEqual(bytes)
})

test('the numbers are those of the code', () => {
  expect(page).toContain(`(${COMPAT_MAX_BYTES.toLocaleString('en')})`)
  expect(page).toContain(`${COMPAT_KEY_BYTES.MIN} to ${COMPAT_KEY_BYTES.MAX} random octets`)
})
