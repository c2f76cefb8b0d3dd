import { beforeEach, describe, expect, it } from 'vitest'
import { OwnerFeed } from './owner-feed.ts'
import { SourceStatus } from './source-status.ts'
import { LogLines } from './testing/log-lines.ts'
import { MemoryOwners } from './testing/memory-owners.ts'
import { readRows } from './user-list.ts'
import { readUserconfigs } from './userconfigs.ts'

const row = (id: number, changes: object = {}): object => ({
  user_id: id,
  port: 2345,
  method: 'aes-256-gcm',
  password: 'hellotheworld',
  ...changes,
})

let lines: LogLines
let store: MemoryOwners
let status: SourceStatus
let feed: OwnerFeed

beforeEach(() => {
  lines = new LogLines()
  store = new MemoryOwners()
  status = new SourceStatus({ source: 'file', log: lines.log })
  feed = new OwnerFeed({ owner: 'file', store, log: lines.log, status })
})

const take = (...users: unknown[]): Promise<void> =>
  feed.take(Buffer.from(JSON.stringify({ users })), (bytes) => readRows(readUserconfigs(bytes)))

describe('a list of users', () => {
  it('becomes those of its owner', async () => {
    await take(row(1), row(2))
    expect(store.synced).toMatchObject([{ owner: 'file', users: [{ key: '1' }, { key: '2' }] }])
    expect(lines.of('users.synced')).toEqual([{ source: 'file', users: 2, changed: 2, refused: 0 }])
    await take()
    expect(store.keys('file')).toEqual([])
  })

  it('is led in once while it is the same', async () => {
    await take(row(1))
    await take(row(1))
    expect(store.synced).toHaveLength(1)
    await take(row(2))
    await take(row(1))
    expect(store.synced).toHaveLength(3)
  })

  it('is led in again where that failed', async () => {
    store.unwell = new Error('busy')
    await expect(take(row(1))).rejects.toThrow('busy')
    await take(row(1))
    expect(store.keys('file')).toEqual(['1'])
  })

  it('tells who is not served, once, and never a password', async () => {
    await take(row(1, { method: 'rot13' }), row(2), { password: 'hellotheworld' })
    await take(row(1, { method: 'rot13' }), row(3), { password: 'hellotheworld' })
    expect(lines.of('user.refused')).toEqual([
      {
        source: 'file',
        user: 'file-1',
        row: 0,
        field: 'method',
        wanted: expect.stringContaining('aes-256-gcm'),
      },
      { source: 'file', user: 'users[2]', row: 2, field: 'user_id', wanted: 'a whole number' },
    ])
    expect(status.sample.refused).toBe(2)
    expect(lines.raw.join('')).not.toContain('hello')
    await take(row(1))
    expect(status.sample.refused).toBe(0)
  })

  it('tells those that the store does not take', async () => {
    store.refused = [{ key: '1', problem: 'limits.up: wanted less' }]
    await take(row(1))
    expect(lines.of('user.refused')).toEqual([
      { source: 'file', user: 'file-1', wanted: 'limits.up: wanted less' },
    ])
  })

  it('does not fill the log with its mistakes', async () => {
    await take(...Array.from({ length: 1000 }, (_, id) => row(id, { port: 0 })))
    expect(lines.of('user.refused')).toHaveLength(20)
    expect(lines.of('users.refused')).toEqual([{ source: 'file', more: 980 }])
  })
})
