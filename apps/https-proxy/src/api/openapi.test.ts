import { expect, test } from 'vitest'
import { openApi } from './openapi.ts'

type Json = { readonly [key: string]: unknown }

const document = JSON.parse(JSON.stringify(openApi('1.2.3'))) as {
  openapi: string
  info: Json
  paths: Record<string, Json>
  components: {
    schemas: Record<string, { properties: Json; required?: string[]; additionalProperties?: unknown }>
  }
}

const refsOf = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : refsOf(inner)))
}

const at = (ref: string): unknown =>
  ref
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((value, key) => (value as Json | undefined)?.[key], document)

test('each reference leads to something', () => {
  const refs = refsOf(document)
  expect(refs.length).toBeGreaterThan(10)
  for (const ref of refs) expect(at(ref), ref).toBeDefined()
})

test('it has every route, and the schemas that requests are checked with', () => {
  expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } })
  expect(Object.keys(document.paths)).toEqual(['/v1/requests', '/v1/queue', '/v1/openapi.json'])
  const { schemas } = document.components
  expect(Object.keys(schemas)).toEqual([
    'RequestPreamble',
    'JsonRequest',
    'ResponsePreamble',
    'JsonResponse',
    'Problem',
  ])
  expect(schemas['RequestPreamble']).toMatchObject({ required: ['url'], additionalProperties: false })
  expect(Object.keys(schemas['JsonRequest']!.properties)).toContain('body')
})
