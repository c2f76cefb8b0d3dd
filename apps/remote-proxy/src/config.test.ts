import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configDrift, configTable } from '@sluice/service'
import { expect, test } from 'vitest'
import { schema } from './config.ts'

const PAGE = join(import.meta.dirname, '../../../docs/remote-proxy.md')

test('docs/remote-proxy.md has every flag as it is', () => {
  expect(configDrift(schema, readFileSync(PAGE, 'utf8')), `wanted:\n${configTable(schema)}`).toEqual([])
})
