import { readFileSync } from 'node:fs'
import { decodePreamble, encodePreamble } from '@sluice/wire'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { readJsonRequest, readPreamble } from './asked.ts'
import {
  jsonResponseSchema,
  jsonSchema,
  PREAMBLE_KEYS,
  preambleSchema,
  problemSchema,
  responsePreambleSchema,
} from './schemas.ts'

// docs/protocols/https-proxy.md is enough to write a client from, so what it shows has to be what is done here.

const page = readFileSync(new URL('../../../../docs/protocols/https-proxy.md', import.meta.url), 'utf8')

const block = (kind: string): string => {
  const found = [...page.matchAll(/^```(\w+ \w+)\n(.*?)^```$/gms)].find(([, name]) => name === kind)
  if (found === undefined) throw new Error(`no ${kind}`)
  return found[2]!
}

/** Octets in hexadecimal, and texts in quotes. */
const bytesOf = (text: string): Buffer =>
  Buffer.concat(
    [...text.matchAll(/"(?:[^"\\]|\\.)*"|[0-9a-f]{2}/g)].map(([part]) =>
      part.startsWith('"') ? Buffer.from(JSON.parse(part) as string) : Buffer.from(part, 'hex'),
    ),
  )

const unframed = (kind: string): { text: string; body: string } => {
  const bytes = bytesOf(block(kind))
  const { value: text, size } = decodePreamble(bytes)!
  expect(encodePreamble(text)).toEqual(new Uint8Array(bytes.subarray(0, size)))
  return { text, body: bytes.toString('utf8', size) }
}

test('the request in octets is one', () => {
  const { text, body } = unframed('hex request')
  expect(body).toBe('hello')
  expect(readPreamble(text, 1)).toMatchObject({ method: 'POST', fields: [['Content-Type', 'text/plain']] })
})

test('the response in octets is one', () => {
  const { text, body } = unframed('hex response')
  expect(body).toBe('done')
  expect(responsePreambleSchema.parse(JSON.parse(text))).toMatchObject({ status: 201, cached: false })
})

test('what it shows in JSON is what the schemas take', () => {
  expect(readJsonRequest(block('json request'), 0)).toMatchObject({ method: 'GET', priority: 2 })
  const shown: [string, z.ZodType][] = [
    ['json request', jsonSchema],
    ['json response', jsonResponseSchema],
    ['json problem', problemSchema],
  ]
  for (const [kind, schema] of shown)
    expect(schema.safeParse(JSON.parse(block(kind))).success, kind).toBe(true)
})

test('it names each key of a preamble', () => {
  for (const key of PREAMBLE_KEYS) expect(page).toMatch(new RegExp(`^\\| \`${key}\` `, 'm'))
  expect(preambleSchema.safeParse({ url: 'http://a/', more: 1 }).success).toBe(false)
})
