import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configDrift, configTable, OUTCOMES } from '@sluice/service'
import { expect, test } from 'vitest'
import { getSchema } from './get-config.ts'
import { CLIENT_ERROR_CODES } from './index.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/https-proxy-client.md'), 'utf8')

test('docs/https-proxy-client.md has every flag as it is', () => {
  expect(configDrift(getSchema, PAGE), `wanted:\n${configTable(getSchema)}`).toEqual([])
})

test('docs/https-proxy-client.md has every code of the client, and no other than there are', () => {
  const named = new Set([...PAGE.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code!))
  expect(CLIENT_ERROR_CODES.filter((code) => !named.has(code))).toEqual([])
  const known = new Set<string>([
    ...CLIENT_ERROR_CODES,
    ...Object.keys(OUTCOMES),
    'SLUICE_PASSWORD',
    'SLUICE_CONFIG',
    'SLUICE_DATA',
    'SLUICE_STORE',
  ])
  expect([...named].filter((code) => !known.has(code))).toEqual([])
})
