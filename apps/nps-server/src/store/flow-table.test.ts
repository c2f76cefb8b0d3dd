import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@sluice/userstore/sqlite'
import { expect, test } from 'vitest'
import { ADD_HOSTS, SUM_TUNNELS } from './flow-table.ts'
import { migrateRecords } from './record-migrations.ts'

test.each([
  ['tunnels', SUM_TUNNELS],
  ['hosts', ADD_HOSTS],
])('the sum of each client’s %s reads no other ones', (_name, sql) => {
  const dir = mkdtempSync(join(tmpdir(), 'flow-'))
  const database = openDatabase(join(dir, 'tunnels.db'), 2000, migrateRecords)
  try {
    const plan = database.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all()
    const scanned = plan.flatMap(({ detail }) => /^SCAN (\w+)/.exec(detail)?.[1] ?? [])
    expect(scanned).toEqual(['clients'])
  } finally {
    database.close()
    rmSync(dir, { recursive: true })
  }
})
