import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configDrift, configTable } from '@sluice/service'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { schema } from './config.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/nps-server.md'), 'utf8')

const isAsked = (type: z.ZodType): boolean =>
  (z.globalRegistry.get(type)?.['from'] as string[] | undefined)?.length !== 0

test('docs/nps-server.md says which settings change while it runs', () => {
  const live = Object.entries(schema.shape)
    .filter(([, type]) => z.globalRegistry.get(type)?.['live'] === true && isAsked(type))
    .map(
      ([key, type]) => z.globalRegistry.get(type)?.['flag'] ?? key.replaceAll(/[A-Z]/g, '-$&').toLowerCase(),
    )
  const [, list = ''] = /These change\s+while it runs:(.*?)Others keep/s.exec(PAGE) ?? []
  const named = new Set([...list.matchAll(/`(?:--)?([a-z-]+)`/g)].map(([, flag]) => flag))
  expect(named).toEqual(new Set(live))
})

test('docs/nps-server.md has every flag as it is', () => {
  expect(configDrift(schema, PAGE), `wanted:\n${configTable(schema)}`).toEqual([])
})
