import { describe, expect, test } from 'vitest'
import type { Usage } from '../store.ts'
import type { Limits, NewUser } from '../user.ts'
import { decoyHash } from '../password.ts'
import { dataDirs, type StoreKind } from './store-harness.ts'
import { storeOwners } from './store-owners.ts'

const HASH = decoyHash(10)
const NODE_ID = 'JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG'
const SHA_256 = '0123456789abcdef'.repeat(4)
const full: NewUser = {
  name: 'Ada',
  enabled: false,
  expiresAt: Date.UTC(2027, 0, 31),
  limits: {
    up: 1,
    down: 2,
    total: 3,
    burst: 4,
    connections: 5,
    ips: 6,
    quotaBytes: 7,
    quotaPeriod: 'month',
    quotaAnchorDay: 31,
    quotaZone: 'Asia/Kathmandu',
  },
  credentials: [
    { kind: 'password', hash: HASH },
    { kind: 'ss', port: 8388, method: 'aes-256-gcm', secret: 'in clear' },
    { kind: 'vkey', hash: 'v' },
    { kind: 'nodeId', nodeId: NODE_ID },
    { kind: 'nodeId', nodeId: '1'.repeat(31) + '2' },
    { kind: 'token', hash: SHA_256 },
  ],
  groups: ['staff', 'night'],
  source: '192.0.2.7',
}

const BAD: readonly (readonly [patch: Omit<NewUser, 'name'>, key: string])[] = [
  [{ limits: { up: 0 } }, 'limits.up'],
  [{ limits: { down: 1.5 } }, 'limits.down'],
  [{ limits: { total: Number.NaN } }, 'limits.total'],
  [{ limits: { quotaBytes: 2 ** 53 } }, 'limits.quotaBytes'],
  [{ limits: { quotaAnchorDay: 32 } }, 'limits.quotaAnchorDay'],
  [{ limits: { quotaZone: 'Mars/Olympus' } }, 'limits.quotaZone'],
  [{ expiresAt: 1e15 }, 'expiresAt'],
  [{ credentials: [{ kind: 'password', hash: 'in clear' }] }, 'credentials[0].hash'],
  [{ credentials: [{ kind: 'ss', port: 65_536, method: 'm', secret: 's' }] }, 'credentials[0].port'],
  [{ credentials: [{ kind: 'nodeId', nodeId: NODE_ID.slice(1, 32) }] }, 'credentials[0].nodeId'],
  [{ credentials: [{ kind: 'nodeId', nodeId: `${NODE_ID}1` }] }, 'credentials[0].nodeId'],
  [{ credentials: [{ kind: 'nodeId', nodeId: NODE_ID.replace('J', '0') }] }, 'credentials[0].nodeId'],
  [{ credentials: [{ kind: 'token', hash: 'in clear' }] }, 'credentials[0].hash'],
  [{ credentials: [{ kind: 'token', hash: SHA_256.toUpperCase() }] }, 'credentials[0].hash'],
  [{ credentials: [1, 2].map(() => ({ kind: 'nodeId', nodeId: NODE_ID })) }, 'credentials[1].nodeId'],
  [{ credentials: [1, 2].map(() => ({ kind: 'token', hash: SHA_256 })) }, 'credentials[1].hash'],
  [{ groups: ['a,b'] }, 'groups'],
  [{ groups: ['a', 'a'] }, 'groups'],
  [{ groups: Array.from({ length: 65 }, (_, n) => `g${n}`) }, 'groups'],
  [{ source: '0.0.0.0' }, 'source'],
  [{ source: 'eth0' }, 'source'],
]

const usageOf = (name: string, period: string, up: number, down: number): Usage => ({
  name,
  period,
  up,
  down,
  total: up + down,
})

/** What every store does with users and their usage. What it tells other stores is in store-sharing.ts. */
export function storeContract(kind: StoreKind): void {
  const dataDir = dataDirs(kind)
  storeOwners(kind)

  describe('users', () => {
    test('a user comes back as it was added, also after opening anew', async () => {
      const data = dataDir()
      const store = await data.open()
      const ada = await store.add(full)
      const bob = await store.add({ name: 'bob' })
      expect(ada).toEqual({ ...full, id: ada.id })
      expect(bob).toEqual({ id: bob.id, name: 'bob', enabled: true, limits: {}, credentials: [] })
      expect((await store.list()).users).toEqual([ada, bob])
      await store.close()
      const again = await data.open()
      expect((await again.list()).users).toEqual([ada, bob])
      expect(again.installId).toBe(store.installId)
    })

    test('a patch sets what it names and clears what is null', async () => {
      const store = await dataDir().open()
      const ada = await store.add(full)
      const patch = { enabled: true, expiresAt: null, limits: { up: 10, quotaBytes: null } }
      const patched = await store.update('Ada', patch)
      const { quotaBytes: _, ...limits } = { ...full.limits, up: 10 }
      expect(patched).toEqual({
        id: ada.id,
        name: 'Ada',
        enabled: true,
        limits,
        credentials: full.credentials,
        groups: full.groups,
        source: full.source,
      })
      expect((await store.list()).users).toEqual([patched])
      expect((await store.update('Ada', { credentials: [] })).credentials).toEqual([])
    })

    test('groups are replaced as a whole; none and no source are no keys', async () => {
      const store = await dataDir().open()
      await store.add(full)
      expect(await store.update('Ada', { groups: ['day'] })).toMatchObject({
        groups: ['day'],
        source: full.source,
      })
      for (const patch of [{ groups: [], source: null }, { groups: null }]) {
        const ada = await store.update('Ada', patch)
        expect(Object.keys(ada)).not.toContain('groups')
        expect(Object.keys(ada)).not.toContain('source')
        expect((await store.list()).users).toEqual([ada])
      }
    })

    test('names are taken once, and known', async () => {
      const store = await dataDir().open()
      await store.add({ name: 'ada' })
      await expect(store.add({ name: 'ada' })).rejects.toMatchObject({
        code: 'USER_EXISTS',
        name: 'StoreError',
      })
      for (const call of [store.update('bob', {}), store.remove('bob'), store.usage('bob')])
        await expect(call).rejects.toMatchObject({ code: 'USER_UNKNOWN' })
      expect((await store.list()).users).toHaveLength(1)
    })

    test('a bad name is refused', async () => {
      const store = await dataDir().open()
      for (const name of ['', 'a b', 'a:b', 'a\0', '\ud800', 'ä'.repeat(128)])
        await expect(store.add({ name }), name).rejects.toMatchObject({ code: 'USER_NAME' })
      expect((await store.list()).users).toEqual([])
    })

    test('bad limits, dates and credentials are refused, in a new user and in a patch', async () => {
      const store = await dataDir().open()
      await store.add({ name: 'bob' })
      for (const [patch, key] of BAD) {
        const refused = { code: 'USER_VALUE', message: expect.stringContaining(key) as unknown }
        await expect(store.add({ name: 'ada', ...patch }), key).rejects.toMatchObject(refused)
        await expect(store.update('bob', patch), key).rejects.toMatchObject(refused)
      }
      expect((await store.list()).users).toMatchObject([{ name: 'bob', limits: {} }])
    })

    test('a later user of a removed name is another', async () => {
      const store = await dataDir().open()
      const first = await store.add({ name: 'ada' })
      await store.account({ node: 'n', seq: 1, at: 0, entries: [{ userId: first.id, up: 5, down: 5 }] })
      await store.remove('ada')
      expect(await store.list()).toEqual({ users: [], used: [] })
      const second = await store.add({ name: 'ada' })
      expect(second.id).not.toBe(first.id)
      expect(await store.usage('ada')).toEqual([{ name: 'ada', period: 'all', up: 0, down: 0, total: 0 }])
    })
  })

  describe('usage', () => {
    test('a batch counts once, however often it is sent', async () => {
      const data = dataDir()
      const store = await data.open()
      const { id: userId } = await store.add({ name: 'ada' })
      const batch = (node: string, seq: number) => ({
        node,
        seq,
        at: data.clock.at,
        entries: [{ userId, up: 1, down: 10 }],
      })
      const used = (up: number) => [{ userId, up, down: up * 10, period: 'all' }]
      expect(await store.account(batch('a', 5))).toEqual(used(1))
      expect(await store.account(batch('a', 5))).toEqual(used(1))
      expect(await store.account(batch('a', 4))).toEqual(used(1))
      expect(await store.account(batch('b', 5))).toEqual(used(2))
      expect(await store.account(batch('a', 6))).toEqual(used(3))
      await store.close()
      const again = await data.open()
      expect(await again.account(batch('a', 6))).toEqual(used(3))
      expect(await again.usage()).toEqual([{ name: 'ada', period: 'all', up: 3, down: 30, total: 33 }])
      expect((await again.list()).used).toEqual(used(3))
    })

    test('a user in a batch twice is summed, one that is gone or unknown is left out of the totals', async () => {
      const store = await dataDir().open()
      const ada = await store.add({ name: 'ada' })
      const bob = await store.add({ name: 'bob' })
      await store.remove('bob')
      const entries = [ada.id, bob.id, 'nobody', ada.id].map((userId) => ({ userId, up: 1, down: 0 }))
      const totals = await store.account({ node: 'n', seq: 1, at: 0, entries })
      expect(totals).toEqual([{ userId: ada.id, up: 2, down: 0, period: 'all' }])
    })

    test('a batch with an impossible number counts nothing at all', async () => {
      const store = await dataDir().open()
      const { id: userId } = await store.add({ name: 'ada' })
      const good = { userId, up: 1, down: 1 }
      const batch = { node: 'n', seq: 1, at: 0, entries: [good] }
      for (const up of [-1, 0.5, Number.NaN, 2 ** 53]) {
        const half = store.account({ ...batch, entries: [good, { userId, up, down: 0 }] })
        await expect(half, String(up)).rejects.toMatchObject({ code: 'BATCH_VALUE' })
      }
      for (const part of [{ seq: -1 }, { at: 1e15 }, { node: '' }, { node: 'n'.repeat(256) }])
        await expect(store.account({ ...batch, ...part })).rejects.toMatchObject({ code: 'BATCH_VALUE' })
      expect(await store.account(batch)).toMatchObject([{ up: 1, down: 1 }])
    })

    test('a period is its days: it ends by the clock, and a late batch goes to its own day', async () => {
      const data = dataDir()
      const store = await data.open()
      const limits: Limits = { quotaPeriod: 'month', quotaAnchorDay: 31, quotaZone: 'America/New_York' }
      const { id: userId } = await store.add({ name: 'ada', limits })
      let seq = 0
      const account = async (iso: string, up: number) =>
        await store.account({
          node: 'n',
          seq: (seq += 1),
          at: Date.parse(iso),
          entries: [{ userId, up, down: 0 }],
        })
      const month = (up: number, period: string) => [{ userId, up, down: 0, period }]

      data.clock.at = Date.parse('2026-12-01T04:59:59Z')
      expect(await account('2026-11-30T04:59:59Z', 1)).toEqual(month(0, 'month:2026-11-30')) // still the 29th there
      expect(await account('2026-11-30T05:00:00Z', 10)).toEqual(month(10, 'month:2026-11-30'))
      data.clock.at = Date.parse('2026-12-31T04:59:59Z')
      expect(await account('2026-12-31T04:59:59Z', 100)).toEqual(month(110, 'month:2026-11-30'))
      data.clock.at += 1000
      expect((await store.list()).used).toEqual(month(0, 'month:2026-12-31'))
      expect(await store.usage('ada')).toMatchObject([{ period: 'month:2026-12-31', total: 0 }])
      expect(await account('2026-12-30T12:00:00Z', 1000)).toEqual(month(0, 'month:2026-12-31'))

      await store.update('ada', { limits: { quotaAnchorDay: 1 } })
      expect((await store.list()).used).toEqual(month(1100, 'month:2026-12-01'))
      await store.update('ada', { limits: { quotaPeriod: 'day' } })
      expect((await store.list()).used).toEqual(month(0, 'day:2026-12-31'))
      await store.update('ada', { limits: { quotaPeriod: null } })
      expect((await store.list()).used).toEqual(month(1111, 'all'))
    })
  })

  describe('history', () => {
    test('is what was moved on each local day, or in each period, within a range of days', async () => {
      const data = dataDir()
      const store = await data.open()
      const limits: Limits = { quotaPeriod: 'month', quotaAnchorDay: 15, quotaZone: 'America/New_York' }
      const ada = await store.add({ name: 'ada', limits })
      const bob = await store.add({ name: 'bob' })
      const moved = ['2026-11-14T12:00Z', '2026-11-15T04:59Z', '2026-11-15T05:00Z', '2026-12-20T12:00Z']
      for (const [seq, iso] of moved.entries()) {
        const entries = [
          { userId: ada.id, up: 10 ** seq, down: 1 },
          { userId: bob.id, up: 0, down: 7 },
        ]
        await store.account({ node: 'n', seq, at: Date.parse(iso), entries })
      }
      expect(await store.history('ada', { by: 'day' })).toEqual([
        usageOf('ada', 'day:2026-11-14', 11, 2),
        usageOf('ada', 'day:2026-11-15', 100, 1),
        usageOf('ada', 'day:2026-12-20', 1000, 1),
      ])
      expect(await store.history('ada', { by: 'period' })).toEqual([
        usageOf('ada', 'month:2026-10-15', 11, 2),
        usageOf('ada', 'month:2026-11-15', 100, 1),
        usageOf('ada', 'month:2026-12-15', 1000, 1),
      ])
      const range = { from: '2026-11-15', to: '2026-12-20' }
      expect(await store.history('ada', { by: 'day', ...range })).toHaveLength(2)
      expect(await store.history('ada', { by: 'day', to: '2026-12-19' })).toHaveLength(2)
      expect(await store.history('bob', { by: 'period', ...range })).toEqual([usageOf('bob', 'all', 0, 21)])
      expect(await store.history('bob', { by: 'day', to: '2026-11-13' })).toEqual([])
      await expect(store.history('eve', { by: 'day' })).rejects.toMatchObject({ code: 'USER_UNKNOWN' })
    })
  })

  describe('close', () => {
    test('waits for the calls before it and refuses those after', async () => {
      const data = dataDir()
      const store = await data.open()
      const before = Array.from({ length: 20 }, (_, n) => store.add({ name: `user${n}` }))
      await store.close()
      expect(await Promise.all(before)).toHaveLength(20)
      await expect(store.list()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
      await store.close()
      expect((await (await data.open()).list()).users).toHaveLength(20)
    })
  })
}
