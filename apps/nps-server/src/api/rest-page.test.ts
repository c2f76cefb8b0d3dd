import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { API_CODES, ApiError, problemOf } from './api-error.ts'
import { openTestApi } from './testing/test-api.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/nps-server-rest.md'), 'utf8')

test('docs/nps-server-rest.md has every code with its status', () => {
  const told = [...PAGE.matchAll(/^\| `([A-Z_]+)` +\| (\d{3}) /gm)].map(([, code, status]) => [
    code,
    Number(status),
  ])
  const codes = API_CODES.map((code) => [
    code,
    code === 'INTERNAL' ? 500 : problemOf(new ApiError(code, '')).status,
  ])
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(codes))
})

test('docs/nps-server-rest.md has every path', async () => {
  await using api = await openTestApi()
  const { body } = await api.ask<{ paths: object }>('GET /v1/openapi.json', undefined, '')
  const kinds = /^\/v1\/(?:tunnels|hosts)\//
  for (const path of Object.keys(body.paths).filter((each) => !kinds.test(each)))
    expect(PAGE).toContain(`\`${path.replace('{id}', 'ID')}\``)
})
