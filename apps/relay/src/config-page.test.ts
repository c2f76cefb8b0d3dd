import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configDrift, configTable } from '@sluice/service'
import { parseDuration, parseRate, parseSize } from '@sluice/wire'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { schema } from './config.ts'
import type { RelayLimits } from './limits.ts'
import { PRESET_NAMES, PRESETS } from './presets.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/relay.md'), 'utf8')

test('docs/relay.md says which settings change while it runs', () => {
  const live = Object.entries(schema.shape)
    .filter(([, type]) => z.globalRegistry.get(type)?.['live'] === true)
    .filter(([, type]) => (z.globalRegistry.get(type)?.['from'] as string[] | undefined)?.length !== 0)
    .map(
      ([key, type]) => z.globalRegistry.get(type)?.['flag'] ?? key.replaceAll(/[A-Z]/g, '-$&').toLowerCase(),
    )
  const [, list = ''] = /These change\s+while it runs:(.*?)Others keep/s.exec(PAGE) ?? []
  const named = new Set([...list.matchAll(/`(?:--)?([a-z-]+)`/g)].map(([, flag]) => flag))
  expect(named).toEqual(new Set(live))
})

test('docs/relay.md has every flag as it is', () => {
  expect(configDrift(schema, PAGE), `wanted:\n${configTable(schema)}`).toEqual([])
})

test('docs/relay.md has the limits of every preset', () => {
  const keyOf: Readonly<Record<string, keyof RelayLimits>> = {
    'circuit-duration': 'durationMs',
    'circuit-bytes': 'dataBytes',
    'circuit-rate': 'rate',
    'circuits-rate': 'globalRate',
    'circuit-idle-timeout': 'idleMs',
    'accept-timeout': 'acceptMs',
    'reservation-ttl': 'reservationTtlMs',
  }
  const rows = [...PAGE.matchAll(/^\| `([a-z-]+)` +\| (\S+) +\| (\S+) +\| (\S+) +\|$/gm)]
  expect(rows).toHaveLength(14)
  for (const [, flag = '', ...values] of rows) {
    const key = keyOf[flag] ?? (flag.replaceAll(/-./g, ([, letter = '']) => letter.toUpperCase()) as never)
    const written = PRESET_NAMES.map((name) => PRESETS[name][key])
    expect([flag, ...values.map((value) => valueOf(key, value))]).toEqual([flag, ...written])
  }
})

const valueOf = (key: string, text: string): number => {
  if (key.endsWith('Ms')) return parseDuration(text)
  return key === 'dataBytes' ? parseSize(text) : /rate$/i.test(key) ? parseRate(text) : Number(text)
}
