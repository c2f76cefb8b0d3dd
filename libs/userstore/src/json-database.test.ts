import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JsonDatabase, USERS_FILE_MAX_BYTES } from './json-database.ts'
import { checkPassword } from './password.ts'

let dir: string
let file: string
const opened: JsonDatabase[] = []
const open = (at = file): JsonDatabase => {
  const database = new JsonDatabase(at, { now: 0, busyMs: 0 })
  opened.push(database)
  return database
}
const edit = (...users: object[]): void => writeFileSync(file, JSON.stringify({ users }))
const read = () => JSON.parse(readFileSync(file, 'utf8')).users
const names = (database: JsonDatabase) => database.list(0).users.map(({ name }) => name)

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'userstore-'))
  file = join(dir, 'users.json')
})
afterEach(() => {
  for (const database of opened.splice(0)) database.close()
  rmSync(dir, { recursive: true })
})

test('an edit is told as the changes that it makes; who was not touched keeps id and usage', () => {
  edit({ name: 'ada' }, { name: 'bob', up: 1 }, { name: 'eve' })
  const database = open()
  const [ada, bob, eve] = database.list(0).users
  database.account({ node: 'n', seq: 1, at: 0, entries: [{ userId: ada?.id ?? '', up: 1, down: 1 }] }, 0)
  database.poll(0)
  edit({ name: 'bob', up: 2 }, { name: 'ada' }, { name: 'new' })
  const change = database.poll(0)
  expect(change?.users).toMatchObject([{ id: bob?.id, limits: { up: 2 } }, { name: 'new' }])
  expect(change?.removed).toEqual([eve?.id])
  expect(database.usage('ada', 0)).toMatchObject([{ total: 2 }])
  expect(database.poll(0)).toBeUndefined()
})

test('a broken edit is told once and keeps the last good users; the next good one counts', () => {
  edit({ name: 'ada' })
  const database = open()
  database.poll(0)
  writeFileSync(file, '{"users": [{"name": "eve"}')
  expect(() => database.poll(0)).toThrow(expect.objectContaining({ code: 'STORE_FORMAT' }))
  expect(database.poll(0)).toBeUndefined()
  expect(names(database)).toEqual(['ada'])
  expect(() => database.add({ name: 'bob' }, 0)).toThrow(expect.objectContaining({ code: 'STORE_FORMAT' }))
  expect(readFileSync(file, 'utf8')).toBe('{"users": [{"name": "eve"}')
  expect(() => open()).toThrow(expect.objectContaining({ code: 'STORE_FORMAT' }))
  edit({ name: 'eve' })
  expect(database.poll(0)?.users).toMatchObject([{ name: 'eve' }])
})

test('a file that went away keeps its users until it is back', () => {
  edit({ name: 'ada' })
  const database = open()
  rmSync(file)
  expect(() => database.poll(0)).toThrow('the file is gone')
  expect(names(database)).toEqual(['ada'])
  expect(() => database.remove('ada', 0)).toThrow('the file is gone')
  edit()
  expect(names(database)).toEqual([])
})

test('a file that cannot be read is told once, and read as soon as it can be', () => {
  edit({ name: 'ada' })
  const database = open()
  database.poll(0)
  rmSync(file)
  mkdirSync(file)
  expect(() => database.poll(0)).toThrow(expect.objectContaining({ code: 'STORE_OPEN' }))
  expect(database.poll(0)).toBeUndefined()
  rmSync(file, { recursive: true })
  edit({ name: 'bob' })
  expect(database.poll(0)?.users).toMatchObject([{ name: 'bob' }])
})

test('a command does not undo an edit that no poll has seen yet', () => {
  edit({ name: 'ada' })
  const database = open()
  edit({ name: 'ada', up: 5 }, { name: 'bob' })
  database.update('ada', { enabled: false }, 0)
  expect(read()).toEqual([{ name: 'ada', enabled: false, up: 5 }, { name: 'bob' }])
})

test('a refused command leaves the file as it was', () => {
  edit({ name: 'ada' })
  const text = readFileSync(file, 'utf8')
  expect(() => open().add({ name: 'ada' }, 0)).toThrow(expect.objectContaining({ code: 'USER_EXISTS' }))
  expect(readFileSync(file, 'utf8')).toBe(text)
})

test('a password in clear is replaced by its hash at the first reading', async () => {
  edit({ name: 'ada', password: 'secret' })
  const database = open()
  const [user] = database.list(0).users
  const hash: unknown = read()[0].passwordHash
  expect(user?.credentials).toEqual([{ kind: 'password', hash }])
  expect(await checkPassword(String(hash), Buffer.from('secret'))).toBe(true)
  expect(readFileSync(file, 'utf8')).not.toContain('secret')
  database.poll(0)
  expect(database.poll(0)).toBeUndefined()
})

test('a write keeps mode and symbolic link, leaves no draft, and makes what is new private', () => {
  edit({ name: 'ada' })
  chmodSync(file, 0o640)
  const link = join(dir, 'link.json')
  symlinkSync(file, link)
  open(link).add({ name: 'bob' }, 0)
  expect(read()).toEqual([{ name: 'ada' }, { name: 'bob' }])
  expect(statSync(file).mode & 0o777).toBe(0o640)
  const fresh = join(dir, 'made', 'fresh.json')
  open(fresh).add({ name: 'ada' }, 0)
  for (const path of [fresh, `${fresh}.usage.db`]) expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('a file beyond the limit is not read', () => {
  edit({ name: 'ada' })
  writeFileSync(file, ' '.repeat(USERS_FILE_MAX_BYTES), { flag: 'a' })
  expect(() => open()).toThrow(`wanted at most ${USERS_FILE_MAX_BYTES} bytes`)
})
