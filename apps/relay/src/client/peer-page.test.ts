import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { configDrift, configTable } from '@sluice/service'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { PEER_ERROR_CODES } from '../peer/peer-error.ts'
import { dialSchema, idSchema, listenSchema, pingSchema, statusSchema } from './peer-config.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/relay-peers.md'), 'utf8')
const schemas = {
  id: idSchema,
  listen: listenSchema,
  dial: dialSchema,
  status: statusSchema,
  ping: pingSchema,
}

test('docs/relay-peers.md has every flag as it is', () => {
  const all = z.object(Object.assign({}, ...Object.values(schemas).map(({ shape }) => shape)))
  expect(configDrift(all, PAGE), `wanted:\n${configTable(all)}`).toEqual([])
})

test('docs/relay-peers.md says which commands take a flag', () => {
  const flags = (schema: z.ZodObject): string[] =>
    [...configTable(schema).matchAll(/`--([a-z-]+)/g)].map(([, flag]) => flag!)
  for (const [, flag, commands] of PAGE.matchAll(/^\| `--([a-z-]+).*\| ([a-z, ]+?) *\|$/gm)) {
    const takes = Object.entries(schemas).filter(([, schema]) => flags(schema).includes(flag!))
    const named = takes.map(([name]) => name).join(', ')
    expect([flag, commands]).toEqual([flag, takes.length === 5 ? 'all' : named])
  }
})

test('docs/relay-peers.md knows only codes that there are', () => {
  const named = [...PAGE.matchAll(/`((?:RELAY|PEER)_[A-Z]+)`/g)].map(([, code]) => code)
  expect(named.filter((code) => !(PEER_ERROR_CODES as readonly string[]).includes(code!))).toEqual([])
})
