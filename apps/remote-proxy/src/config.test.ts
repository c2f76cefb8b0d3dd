import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configDrift, configTable } from '@sluice/service'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { schema } from './config.ts'

const PAGE = join(import.meta.dirname, '../../../docs/remote-proxy.md')

test('docs/remote-proxy.md says which settings change while it runs', () => {
  const live = Object.entries(schema.shape)
    .filter(([, type]) => z.globalRegistry.get(type)?.['live'] === true)
    .map(
      ([key, type]) => z.globalRegistry.get(type)?.['flag'] ?? key.replaceAll(/[A-Z]/g, '-$&').toLowerCase(),
    )
  const [, list = ''] = /These change while it runs(.*?)Others keep/s.exec(readFileSync(PAGE, 'utf8')) ?? []
  expect(new Set([...list.matchAll(/`(?:--)?([a-z-]+)`/g)].map(([, flag]) => flag))).toEqual(new Set(live))
})

test('docs/remote-proxy.md has every flag as it is', () => {
  expect(configDrift(schema, readFileSync(PAGE, 'utf8')), `wanted:\n${configTable(schema)}`).toEqual([])
})
