import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { JsonSource } from './json-source.ts'
import { OwnerFeed } from './owner-feed.ts'
import { SourceStatus } from './source-status.ts'
import { LogLines } from './testing/log-lines.ts'
import { MemoryOwners } from './testing/memory-owners.ts'

const listOf = (...ids: number[]): string =>
  JSON.stringify({ users: ids.map((id) => ({ user_id: id, port: id, method: 'none', password: 'secret' })) })

let folder: string
let path: string
let lines: LogLines
let store: MemoryOwners
let status: SourceStatus
let missed: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'users-'))
  path = join(folder, 'userconfigs.json')
  lines = new LogLines()
  store = new MemoryOwners()
  status = new SourceStatus({ source: 'file', log: lines.log })
  missed = 0
})
afterEach(() => rmSync(folder, { recursive: true }))

const sourceOf = (optional = true): JsonSource => {
  const feed = new OwnerFeed({ owner: 'file', store, log: lines.log, status })
  const onMissing = (): void => void (missed += 1)
  return new JsonSource({ path, feed, status, syncMs: 60_000, ...(optional && { onMissing }) })
}

describe('a file of users', () => {
  it('is read at the start, and again', async () => {
    writeFileSync(path, listOf(1, 2))
    const source = sourceOf()
    await source.start()
    expect(store.keys('file')).toEqual(['1', '2'])
    writeFileSync(path, listOf(2))
    await source.read()
    expect(store.keys('file')).toEqual(['2'])
    expect(status.sample).toMatchObject({ ok: 2, failed: 0 })
    await source.close()
  })

  it('is read when it has changed', async () => {
    writeFileSync(path, listOf(1))
    const source = sourceOf()
    await source.start()
    writeFileSync(path, listOf(1, 2))
    await expect.poll(() => store.keys('file')).toEqual(['1', '2'])
    await source.close()
  })

  it.each([
    ['half of it', () => writeFileSync(path, listOf(1, 2).slice(0, -20)), 'USERS_FORMAT'],
    ['nothing in it', () => writeFileSync(path, ''), 'USERS_FORMAT'],
    ['a megabyte of anything', () => writeFileSync(path, '{"'.repeat(500_000)), 'USERS_FORMAT'],
    ['more than is taken', () => truncateSync(path, 16 * 1024 * 1024 + 1), 'USERS_TOO_LONG'],
    ['a folder in its place', () => (rmSync(path), mkdirSync(path)), 'USERS_UNREADABLE'],
    ['nothing in its place', () => rmSync(path), 'USERS_MISSING'],
  ])('with %s leaves the users as they were, and says so once', async (_what, spoil, code) => {
    writeFileSync(path, listOf(1, 2))
    const source = sourceOf()
    await source.start()
    spoil()
    await source.read()
    await source.read()
    expect(store.synced).toHaveLength(1)
    expect(lines.of('source.failed')).toEqual([
      { source: 'file', code, reason: expect.any(String), file: path },
    ])
    expect(status.sample).toMatchObject({ ok: 1, failed: 2 })
    rmSync(path, { recursive: true, force: true })
    writeFileSync(path, listOf(3))
    await source.read()
    expect(store.keys('file')).toEqual(['3'])
    expect(lines.messages).toEqual(['users.synced', 'source.failed', 'users.synced', 'source.recovered'])
    expect(missed).toBe(0)
    expect(lines.raw.join('')).not.toContain('secret')
    await source.close()
  })

  it('need not be there', async () => {
    const source = sourceOf()
    await source.start()
    await source.read()
    expect([missed, lines.raw, store.synced]).toEqual([1, [], []])
    await source.close()
  })

  it('has to be there where it was asked for', async () => {
    const source = sourceOf(false)
    await source.start()
    expect(lines.of('source.failed')).toMatchObject([{ code: 'USERS_MISSING', file: path }])
    await source.close()
  })

  it('is not read any more after the end', async () => {
    const source = sourceOf()
    await source.start()
    await source.close()
    writeFileSync(path, listOf(1))
    await source.read()
    expect(store.synced).toEqual([])
  })
})
