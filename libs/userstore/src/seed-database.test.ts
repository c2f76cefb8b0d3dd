import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readSeed } from './seed-database.ts'
import type { SeedRow } from './seed-row.ts'

const TABLE = 'CREATE TABLE USER (USERNAME TEXT, PASSWORD TEXT, BANDWIDTH INTEGER)'
let dir: string
let file: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'seed-'))
  file = join(dir, 'odd ?#% name.db')
})

afterEach(() => rmSync(dir, { recursive: true }))

function make(...statements: string[]): void {
  const database = new Database(file)
  for (const statement of statements) database.exec(statement)
  database.close()
}

async function rowsOf(path: string = file): Promise<SeedRow[]> {
  const rows: SeedRow[] = []
  for await (const row of readSeed(path)) rows.push(row)
  return rows
}

const refusal = (path?: string): Promise<unknown> => rowsOf(path).catch((error: unknown) => error)

describe('readSeed', () => {
  test('gives users with their total, whatever the case of table and columns', async () => {
    make(
      'CREATE TABLE uSer (bandwidth, UserName, other, PassWord)',
      "INSERT INTO user VALUES (15000, 'ada', 1, 'p w'), (0, 'bob', 2, 'b'), (NULL, 'Ümit', 3, 'ü'), ('7', 8, 4, 9)",
    )
    expect(await rowsOf()).toEqual([
      { row: 1, name: 'ada', password: 'p w', total: 15_000 },
      { row: 2, name: 'bob', password: 'b' },
      { row: 3, name: 'Ümit', password: 'ü' },
      { row: 4, name: '8', password: '9', total: 7 },
    ])
  })

  test.each([
    ["'a b', 'p', 0", 'USERNAME'],
    ["'', 'p', 0", 'USERNAME'],
    ["NULL, 'p', 0", 'USERNAME'],
    ["x'616263', 'p', 0", 'USERNAME'],
    ["CAST(x'61ff' AS TEXT), 'p', 0", 'USERNAME'],
    ["printf('%.*c', 256, 'a'), 'p', 0", 'USERNAME'],
    ["printf('%.*c', 100000000, 'a'), 'p', 0", 'USERNAME'],
    ["'a', '', 0", 'PASSWORD: empty'],
    ["'a', NULL, 0", 'PASSWORD: empty'],
    ["'a', printf('%.*c', 256, 'a'), 0", 'PASSWORD'],
    ["'a', printf('%.*c', 600, 'a'), 0", 'PASSWORD'],
    ["'a', x'00', 0", 'PASSWORD'],
    ["'a', 'p', -1", 'BANDWIDTH'],
    ["'a', 'p', 0.5", 'BANDWIDTH'],
    ["'a', 'p', 9007199254740992", 'BANDWIDTH'],
    ["'a', 'p', 1e300", 'BANDWIDTH'],
    ["'a', 'p', 'fast'", 'BANDWIDTH'],
    ["'a', 'p', printf('%.*c', 600, '1')", 'BANDWIDTH'],
    ["'a', 'p', x''", 'BANDWIDTH'],
  ])('refuses a row of %s by its %s', async (values, problem) => {
    make(TABLE, `INSERT INTO USER VALUES (${values})`)
    const [row, ...more] = await rowsOf()
    expect(more).toEqual([])
    expect(row).toMatchObject({ row: 1, problem: expect.stringContaining(problem) as unknown })
    expect(JSON.stringify(row).length).toBeLessThan(300)
  })

  test('takes names and passwords of 255 bytes', async () => {
    make(TABLE, "INSERT INTO USER VALUES (printf('%.*c', 255, 'a'), printf('%.*c', 255, 'p'), 1)")
    expect(await rowsOf()).toEqual([{ row: 1, name: 'a'.repeat(255), password: 'p'.repeat(255), total: 1 }])
  })

  test('gives every row once, over many pages and at both ends of the rowids', async () => {
    make(
      TABLE,
      "INSERT INTO USER (rowid, USERNAME, PASSWORD) VALUES (-5, 'first', 'p'), (9223372036854775806, 'far', 'p')",
      "INSERT INTO USER (rowid, USERNAME, PASSWORD) VALUES (9223372036854775807, 'last', 'p')",
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
       INSERT INTO USER (rowid, USERNAME, PASSWORD) SELECT i * 3, 'u' || i, 'p' FROM n`,
    )
    const names = (await rowsOf()).map(({ name }) => name)
    expect(names).toEqual(['first', ...Array.from({ length: 1000 }, (_, n) => `u${n + 1}`), 'far', 'last'])
  })

  test('reads a database in UTF-16', async () => {
    make("PRAGMA encoding = 'UTF-16le'", TABLE, "INSERT INTO USER VALUES (printf('%.*c', 255, 'a'), 'ü', 1)")
    expect(await rowsOf()).toEqual([{ row: 1, name: 'a'.repeat(255), password: 'ü', total: 1 }])
  })
})

describe('the file', () => {
  test.each(['DELETE', 'WAL'])('is not touched, and nothing is made beside it (%s)', async (mode) => {
    make(`PRAGMA journal_mode = ${mode}`, TABLE, "INSERT INTO USER VALUES ('a', 'p', 1)")
    const before = readFileSync(file)
    chmodSync(dir, 0o555)
    expect(await rowsOf()).toHaveLength(1)
    chmodSync(dir, 0o755)
    expect(readdirSync(dir)).toHaveLength(1)
    expect(readFileSync(file)).toEqual(before)
  })

  test.each(['DELETE', 'WAL'])('may be open, and is not locked in between (%s)', async (mode) => {
    make(`PRAGMA journal_mode = ${mode}`, TABLE)
    const owner = new Database(file)
    owner.prepare("INSERT INTO USER VALUES ('a', 'p', 1)").run()
    const rows = readSeed(file)
    expect((await rows.next()).value).toMatchObject({ name: 'a' })
    owner.prepare("INSERT INTO USER VALUES ('b', 'p', 1)").run()
    owner.close()
    expect(await rowsOf()).toHaveLength(2)
  })

  test.each([
    [
      'another table',
      'CREATE TABLE USERS (USERNAME, PASSWORD, BANDWIDTH)',
      /wanted a table USER with USERNAME/,
    ],
    ['a view', "CREATE VIEW USER AS SELECT 'a' USERNAME, 'p' PASSWORD, 1 BANDWIDTH", /wanted a table USER/],
    ['a table without a column', 'CREATE TABLE USER (USERNAME, BANDWIDTH)', /USER has no column PASSWORD$/],
  ])('with %s is none to import from', async (_what, statement, message) => {
    make(statement)
    expect(await refusal()).toMatchObject({ code: 'SEED_FORMAT', message: expect.stringMatching(message) })
  })

  test('that is no database, a folder, a pipe, or not there is refused', async () => {
    writeFileSync(file, 'USERNAME,PASSWORD\n')
    expect(await refusal()).toMatchObject({ code: 'SEED_FORMAT', message: `${file}: not a SQLite database` })
    writeFileSync(file, '')
    expect(await refusal()).toMatchObject({ code: 'SEED_FORMAT' })
    const folder = join(dir, 'folder')
    mkdirSync(folder)
    expect(await refusal(folder)).toMatchObject({ code: 'STORE_OPEN' })
    const pipe = join(dir, 'pipe')
    execFileSync('mkfifo', [pipe])
    expect(await refusal(pipe)).toMatchObject({ code: 'STORE_OPEN' })
    expect(await refusal(join(dir, 'none'))).toMatchObject({ code: 'STORE_OPEN' })
    expect(readdirSync(dir)).not.toContain('none')
  })

  test('that is damaged is refused', async () => {
    make(TABLE, "INSERT INTO USER VALUES ('a', 'p', 1)")
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0xff, 100))
    expect(await refusal()).toMatchObject({ name: 'StoreError' })
  })
})
