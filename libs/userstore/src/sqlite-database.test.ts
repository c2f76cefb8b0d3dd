import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteDatabase } from './sqlite-database.ts'
import { SCHEMA_VERSION } from './sqlite-migrations.ts'

let dir: string
let file: string
const opened: { close(): unknown }[] = []
const open = (): SqliteDatabase => keep(new SqliteDatabase(file, { now: 0, busyMs: 0 }))
const openRaw = (): Database.Database => keep(new Database(file))

function keep<T extends { close(): unknown }>(database: T): T {
  opened.push(database)
  return database
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'userstore-'))
  file = join(dir, 'data', 'sluice.db')
})
afterEach(() => {
  for (const database of opened.splice(0)) database.close()
  rmSync(dir, { recursive: true })
})

test('the file is its owner’s alone, in WAL mode, and a commit is on disk', () => {
  open()
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(openRaw().pragma('journal_mode', { simple: true })).toBe('wal')
})

test('a newer schema is refused and left alone', () => {
  open().add({ name: 'ada' })
  openRaw().exec(`UPDATE schema SET version = ${SCHEMA_VERSION + 1}`)
  expect(open).toThrow(
    expect.objectContaining({
      code: 'STORE_SCHEMA_NEWER',
      message: expect.stringContaining(file) as unknown,
    }),
  )
  expect(openRaw().prepare('SELECT version FROM schema').pluck().get()).toBe(SCHEMA_VERSION + 1)
})

test('a database of the version before is brought up to date, with what it holds', () => {
  const ada = open().add({ name: 'ada', limits: { up: 1 } })
  opened.at(-1)?.close()
  openRaw().exec(
    `DROP TABLE reported; DROP INDEX users_by_owner; ALTER TABLE users DROP COLUMN owner;
     ALTER TABLE users DROP COLUMN groups; ALTER TABLE users DROP COLUMN source; UPDATE schema SET version = 1`,
  )
  expect(open().list(0).users).toEqual([ada])
  expect(open().update('ada', { groups: ['staff'], source: '::1' })).toEqual({
    ...ada,
    groups: ['staff'],
    source: '::1',
  })
})

test("another program's database and a file that is none are refused", () => {
  open().close()
  rmSync(file)
  openRaw().exec('CREATE TABLE theirs (x)')
  expect(open).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
  rmSync(file)
  writeFileSync(file, 'not a database, but long enough to look at it\n'.repeat(100))
  expect(open).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
})

test('a folder that cannot be is STORE_OPEN', () => {
  writeFileSync(join(dir, 'data'), '')
  expect(open).toThrow(expect.objectContaining({ code: 'STORE_OPEN' }))
})

test('a held lock makes writing busy, not reading', () => {
  const database = open()
  database.add({ name: 'ada' })
  const other = openRaw()
  other.exec('BEGIN IMMEDIATE')
  expect(() => database.add({ name: 'bob' })).toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }))
  expect(database.list(0).users).toHaveLength(1)
  other.exec('COMMIT')
  expect(database.add({ name: 'bob' }).name).toBe('bob')
})

test('a removed user leaves usage behind, and no secrets', () => {
  const database = open()
  const credentials = [{ kind: 'ss', method: 'aes-256-gcm', secret: 's3cret' } as const]
  const { id: userId } = database.add({ name: 'ada', credentials })
  database.account({ node: 'n', seq: 1, at: 0, entries: [{ userId, up: 3, down: 4 }] }, 0)
  database.remove('ada', 0)
  const raw = openRaw()
  expect(raw.prepare("SELECT up, down FROM usage WHERE user_id = ? AND period = 'all'").get(userId)).toEqual({
    up: 3,
    down: 4,
  })
  expect(JSON.stringify(raw.prepare('SELECT * FROM users').all())).not.toContain('s3cret')
})

test('polls tell only what is new to them, and nothing when nothing is', () => {
  const [one, other] = [open(), open()]
  const ada = one.add({ name: 'ada' })
  expect(one.poll(0)?.users).toEqual([ada])
  expect(one.poll(0)).toBeUndefined()
  expect(other.poll(0)?.users).toEqual([ada])
  expect(other.poll(0)).toBeUndefined()
  one.add({ name: 'bob' })
  one.remove('bob', 0)
  expect(other.poll(0)).toMatchObject({ users: [], removed: [expect.any(String)] })
  one.poll(0)
  other.account({ node: 'n', seq: 1, at: 0, entries: [{ userId: ada.id, up: 1, down: 0 }] }, 0)
  expect(one.poll(0)).toEqual({
    users: [],
    removed: [],
    used: [{ userId: ada.id, up: 1, down: 0, period: 'all' }],
  })
  other.account({ node: 'n', seq: 1, at: 0, entries: [{ userId: ada.id, up: 1, down: 0 }] }, 0)
  expect(one.poll(0)).toBeUndefined()
  other.account({ node: 'n', seq: 2, at: 0, entries: [{ userId: ada.id, up: 1, down: 0 }] }, 0)
  expect(one.poll(0)?.used).toMatchObject([{ up: 2 }])
})

test('whatever is sent, lost, and sent again by whomever, each batch counts once', () => {
  const users = ['a', 'b', 'c'].map((name) => open().add({ name }).id)
  let run = 0
  const sends = fc.array(fc.tuple(fc.nat(2), fc.nat(1), fc.nat(3)), { maxLength: 30 })
  fc.assert(
    fc.property(sends, (steps) => {
      run += 1
      const databases = [open(), open()]
      const before = databases[0]?.list(0).used.map(({ up }) => up) ?? []
      const sent = new Map<string, number>()
      const expected = [...before]
      for (const [user, via, again] of steps) {
        const node = `${run}/${user}`
        const last = sent.get(node) ?? -1
        // A step back in seq is an old batch that comes once more.
        const seq = Math.max(0, last + 1 - again)
        if (seq > last) expected[user] = (expected[user] ?? 0) + 2 ** user
        sent.set(node, Math.max(last, seq))
        const entries = [{ userId: users[user] ?? '', up: 2 ** user, down: 0 }]
        databases[via]?.account({ node, seq, at: 0, entries }, 0)
      }
      for (const database of databases) expect(database.list(0).used.map(({ up }) => up)).toEqual(expected)
    }),
    { numRuns: 20 },
  )
})
