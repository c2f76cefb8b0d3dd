import { describe, expect, test } from 'vitest'
import type { UserStore } from '../store.ts'
import type { OwnedUser } from '../user.ts'
import { changesOf, type DataDir, dataDirs, type StoreKind } from './store-harness.ts'

const owned = (key: string, rest: Partial<OwnedUser> = {}): OwnedUser => ({
  key,
  enabled: true,
  limits: { up: 1000, quotaBytes: 5 },
  credentials: [{ kind: 'ss', port: 8388, method: 'aes-256-gcm', secret: `secret of ${key}` }],
  ...rest,
})

const keys = (count: number): OwnedUser[] => Array.from({ length: count }, (_, n) => owned(String(n)))

const names = async (store: UserStore): Promise<string[]> =>
  (await store.list()).users.map(({ name }) => name)

const done = (changed: number) => ({ changed, refused: [] })

let seq = 0
const move = (store: UserStore, userId: string, up: number, down: number): Promise<unknown> =>
  store.account({ node: 'n', seq: (seq += 1), at: 0, entries: [{ userId, up, down }] })

/** What a store does with users that belong to an owner. */
export function storeOwners(kind: StoreKind): void {
  SUITES[kind](dataDirs(kind))
}

const SUITES: Record<StoreKind, (dataDir: () => DataDir) => void> = {
  sqlite: keepsOwners,
  json: refusesOwners,
}

function refusesOwners(dataDir: () => DataDir): void {
  test('users of an owner are refused', async () => {
    const store = await dataDir().open()
    const refused = { code: 'STORE_OWNERS', message: expect.stringContaining('sqlite:') as unknown }
    await expect(store.sync('panel', [owned('1')])).rejects.toMatchObject(refused)
    await expect(store.unreported('panel')).rejects.toMatchObject(refused)
    await expect(store.report('panel', [])).rejects.toMatchObject(refused)
    expect(await store.list()).toEqual({ users: [], used: [] })
  })
}

function keepsOwners(dataDir: () => DataDir): void {
  describe('users of an owner', () => {
    test('are exactly those of the last sync, and nobody else is touched', async () => {
      const data = dataDir()
      const store = await data.open()
      const plain = await store.add({ name: 'ada' })
      await store.sync('file', [owned('1')])
      const expiresAt = Date.UTC(2027, 0, 31)
      expect(await store.sync('panel', [owned('1', { groups: ['g'], expiresAt }), owned('2')])).toEqual(
        done(2),
      )
      const { key: _, ...one } = owned('1', { groups: ['g'], expiresAt })
      expect((await store.list()).users).toEqual([
        plain,
        expect.objectContaining({ id: 'file:1', name: 'file-1', owner: 'file' }),
        { id: 'panel:1', name: 'panel-1', owner: 'panel', ...one },
        expect.objectContaining({ id: 'panel:2', name: 'panel-2', owner: 'panel' }),
      ])
      expect(await store.sync('panel', [owned('2', { enabled: false }), owned('3')])).toEqual(done(3))
      expect(await names(store)).toEqual(['ada', 'file-1', 'panel-2', 'panel-3'])
      expect(await store.sync('panel', [])).toEqual(done(2))
      expect(await names(await data.open())).toEqual(['ada', 'file-1'])
    })

    test('are written, and told, only where they differ', async () => {
      const data = dataDir()
      const store = await data.open()
      await store.sync('panel', [owned('1'), owned('2', { limits: { up: 1, down: 2 } })])
      const { seen, until } = changesOf(await data.open())
      expect(await store.sync('panel', [owned('1'), owned('2', { limits: { down: 2, up: 1 } })])).toEqual(
        done(0),
      )
      expect(await store.sync('panel', [owned('2', { limits: { up: 1 } }), owned('1')])).toEqual(done(1))
      await until(() => seen.length > 0)
      expect(seen.map(({ users }) => users.map(({ id }) => id))).toEqual([['panel:2']])
    })

    test('come back with their id, and their usage goes on', async () => {
      const store = await dataDir().open()
      await store.sync('panel', [owned('1')])
      await move(store, 'panel:1', 3, 4)
      await store.sync('panel', [])
      await move(store, 'panel:1', 10, 0)
      expect(await store.sync('panel', [owned('1')])).toEqual(done(1))
      expect(await store.usage('panel-1')).toMatchObject([{ up: 13, down: 4 }])
      expect((await store.list()).users).toMatchObject([{ id: 'panel:1', credentials: [{ kind: 'ss' }] }])
    })

    test('cannot be changed or removed but by their owner', async () => {
      const store = await dataDir().open()
      await store.sync('panel', [owned('1')])
      const refused = { code: 'USER_OWNED', message: '"panel-1" belongs to panel: change it there' }
      await expect(store.update('panel-1', { enabled: false })).rejects.toMatchObject(refused)
      await expect(store.remove('panel-1')).rejects.toMatchObject(refused)
      expect((await store.list()).users).toMatchObject([{ enabled: true }])
      expect(await store.history('panel-1', { by: 'day' })).toEqual([])
    })

    test('have the first free name, and keep it while they are there', async () => {
      const store = await dataDir().open()
      await store.add({ name: 'panel-1' })
      await store.add({ name: 'panel-1~2' })
      expect(await store.sync('panel', [owned('1')])).toEqual(done(1))
      expect(await names(store)).toEqual(['panel-1', 'panel-1~2', 'panel-1~3'])
      await store.remove('panel-1')
      expect(await store.sync('panel', [owned('1')])).toEqual(done(0))
      expect(await names(store)).toEqual(['panel-1~2', 'panel-1~3'])
      await store.sync('panel', [])
      await store.sync('panel', [owned('1')])
      expect(await names(store)).toEqual(['panel-1~2', 'panel-1'])
    })

    test('that cannot be are told, do not stop the others, and stay as they were', async () => {
      const store = await dataDir().open()
      await store.sync('panel', [owned('1'), owned('2')])
      const [bad] = [{ kind: 'ss', port: 70_000, method: 'm', secret: 's3cret' }] as const
      const { changed, refused } = await store.sync('panel', [
        owned('1', { credentials: [bad] }),
        owned('3'),
        owned('3', { enabled: false }),
        owned('a b'),
        owned(''),
        owned('x'.repeat(300)),
        owned('2', { limits: { up: -1 } }),
      ])
      expect(changed).toBe(1)
      expect(refused).toEqual([
        { key: '1', problem: expect.stringContaining('credentials[0].port') as unknown },
        { key: '3', problem: 'key: wanted each once' },
        ...['a b', '', 'x'.repeat(80)].map((key) => ({
          key,
          problem: 'key: wanted 1 or more characters without colon, blank or control character',
        })),
        { key: '2', problem: 'limits.up: wanted a whole number above 0, got -1' },
      ])
      expect(JSON.stringify(refused)).not.toContain('s3cret')
      expect((await store.list()).users).toMatchObject([
        { id: 'panel:1', credentials: [{ port: 8388 }] },
        { id: 'panel:2', limits: { up: 1000 } },
        { id: 'panel:3', enabled: true },
      ])
    })

    test('have owners with short plain names, and a bound', async () => {
      const store = await dataDir().open()
      for (const owner of ['', 'Panel', 'a:b', 'a-b', '1', 'a'.repeat(33)])
        await expect(store.sync(owner, []), owner).rejects.toMatchObject({ code: 'USER_VALUE' })
      const tooMany = Array.from({ length: 100_001 }, () => owned('1'))
      await expect(store.sync('panel', tooMany)).rejects.toMatchObject({ code: 'USER_VALUE' })
    })

    test('that are many come and are told in pages, all of them and in order', async () => {
      const data = dataDir()
      const store = await data.open()
      const other = await data.open()
      const { seen, until } = changesOf(other)
      const users = keys(241)
      const synced = store.sync('panel', users)
      const listed = synced.then(() => other.list())
      expect(await synced).toEqual(done(241))
      await until(() => seen.flatMap((page) => page.users).length === 241)
      expect(seen.map((page) => [page.users.length, page.used.length])).toEqual([
        [100, 100],
        [100, 100],
        [41, 41],
      ])
      for (const page of seen)
        expect(page.used.map(({ userId }) => userId)).toEqual(page.users.map(({ id }) => id))
      const all = await listed
      expect(all.users).toEqual(seen.flatMap((page) => page.users))
      expect(all.used).toHaveLength(241)
      await store.sync('panel', users.slice(0, 1))
      await until(() => seen.flatMap(({ removed }) => removed).length === 240)
      expect(await names(other)).toEqual(['panel-0'])
    })

    test('are told to who watches before the sync is over', async () => {
      const store = await dataDir().open({ pollMs: 1e6 })
      const changes = changesOf(store)
      await store.sync('panel', keys(600))
      expect(changes.seen.flatMap(({ users }) => users).length).toBe(600)
      await store.sync('panel', [])
      expect(changes.seen.flatMap(({ removed }) => removed).length).toBe(600)
    })

    test('are listed after all that was told of an older state', async () => {
      const store = await dataDir().open()
      let told = 0
      let toldBefore: Promise<number> | undefined
      const listed = new Promise<number>((resolve, reject) => {
        store.watch(({ users }) => {
          told += users.length
          toldBefore ??= store
            .sync('panel', [owned('0')])
            .then(() => store.list())
            .then(({ users: left }) => told - left.length)
          toldBefore.then(resolve, reject)
        }, reject)
      })
      await store.sync('panel', keys(2001))
      expect(await listed).toBe(2000)
    })

    test('are all there when the store is closed at once', async () => {
      const data = dataDir()
      const store = await data.open()
      const synced = store.sync('panel', keys(241))
      const listed = store.list()
      await store.close()
      expect(await synced).toEqual(done(241))
      expect((await listed).users).toEqual([])
      expect(await names(await data.open())).toHaveLength(241)
    })
  })

  describe('what is reported of an owner’s users', () => {
    test('is told until it is reported, over restarts, and of removed users too', async () => {
      const data = dataDir()
      const store = await data.open()
      const plain = await store.add({ name: 'ada' })
      await store.sync('panel', [owned('1'), owned('2'), owned('3')])
      await store.sync('file', [owned('1')])
      expect(await store.unreported('panel')).toEqual([])
      for (const userId of [plain.id, 'file:1', 'panel:1', 'panel:2']) await move(store, userId, 10, 20)
      await store.sync('panel', [owned('1'), owned('3')])
      expect(await store.unreported('panel')).toEqual([
        { userId: 'panel:1', key: '1', up: 10, down: 20 },
        { userId: 'panel:2', key: '2', up: 10, down: 20 },
      ])
      await store.report('panel', [{ userId: 'panel:1', up: 4, down: 20 }])
      await store.report('panel', [{ userId: 'panel:2', up: 10, down: 20 }])
      await store.close()
      const again = await data.open()
      expect(await again.unreported('panel')).toEqual([{ userId: 'panel:1', key: '1', up: 6, down: 0 }])
      await again.report('panel', [{ userId: 'panel:1', up: 6, down: 0 }])
      expect(await again.unreported('panel')).toEqual([])
      await move(again, 'panel:2', 0, 1)
      expect(await again.unreported('panel')).toEqual([{ userId: 'panel:2', key: '2', up: 0, down: 1 }])
      expect(await again.unreported('file')).toMatchObject([{ key: '1' }])
    })

    test('counts wholly or not at all', async () => {
      const store = await dataDir().open()
      await store.sync('panel', [owned('1')])
      await store.sync('file', [owned('1')])
      await move(store, 'panel:1', 10, 20)
      const good = { userId: 'panel:1', up: 10, down: 20 }
      for (const bad of [
        { ...good, up: -1 },
        { ...good, down: 0.5 },
        { ...good, userId: 'file:1' },
        { ...good, userId: 'panel:9' },
      ])
        await expect(store.report('panel', [good, bad])).rejects.toMatchObject({ code: 'BATCH_VALUE' })
      expect(await store.unreported('panel')).toEqual([{ ...good, key: '1' }])
    })

    test('may be many', async () => {
      const store = await dataDir().open()
      const users = keys(241)
      await store.sync('panel', users)
      const entries = users.map(({ key }) => ({ userId: `panel:${key}`, up: 1, down: 2 }))
      await store.account({ node: 'n', seq: (seq += 1), at: 0, entries })
      const unreported = await store.unreported('panel')
      expect(unreported).toHaveLength(241)
      await store.report('panel', unreported)
      expect(await store.unreported('panel')).toEqual([])
    })
  })
}
