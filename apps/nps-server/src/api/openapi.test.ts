import { expect, test } from 'vitest'
import { openTestApi } from './testing/test-api.ts'

type Json = { readonly [key: string]: unknown }

const refsOf = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : refsOf(inner)))
}

const at = (document: unknown, ref: string): unknown =>
  ref
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((value, key) => (value as Json | undefined)?.[key], document)

test('the document has each route, with the schemas that requests are checked with, for everybody', async () => {
  await using api = await openTestApi()
  const { status, body: document } = await api.ask<{
    openapi: string
    info: Json
    paths: Record<string, Record<string, Json>>
    components: { schemas: Record<string, { properties: Json; required?: string[] }> }
  }>('GET /v1/openapi.json', undefined, '')
  expect(status).toBe(200)
  expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } })
  expect(
    Object.entries(document.paths).map(([path, item]) => `${path} ${Object.keys(item).join(' ')}`),
  ).toEqual([
    '/v1/clients get post',
    '/v1/clients/{id} get patch delete',
    '/v1/clients/{id}/flow/reset post',
    '/v1/clients/{id}/key post',
    '/v1/tunnels get post',
    '/v1/tunnels/{id} get patch delete',
    '/v1/tunnels/{id}/flow/reset post',
    '/v1/hosts get post',
    '/v1/hosts/{id} get patch delete',
    '/v1/hosts/{id}/flow/reset post',
    '/v1/tokens get post',
    '/v1/tokens/{id} delete',
    '/v1/session post delete',
    '/v1/tokens/{id}/sessions delete',
    '/v1/status get',
    '/v1/audit get',
  ])
  const refs = refsOf(document)
  expect(refs.length).toBeGreaterThan(20)
  for (const ref of refs) expect(at(document, ref), ref).toBeDefined()
  const { NewTunnel, ClientPatch } = document.components.schemas
  expect(NewTunnel).toMatchObject({ required: ['clientId', 'mode'], additionalProperties: false })
  expect(ClientPatch?.properties['remark']).toMatchObject({ anyOf: [{ type: 'string' }, { type: 'null' }] })
  expect(document.paths['/v1/tunnels']?.['get']?.['parameters']).toContainEqual({
    name: 'limit',
    in: 'query',
    description: 'most that are told at once, 100 by default',
    schema: { type: 'integer', minimum: 1, maximum: 500 },
  })
})
