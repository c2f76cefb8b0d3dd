import { describe, expect, it } from 'vitest'
import { MAX_USERS, readRows } from './user-list.ts'

const KEY_128 = 'AAECAwQFBgcICQoLDA0ODw=='
const row = (changes: object = {}): object => ({
  user_id: 1,
  port: 2345,
  method: 'aes-256-gcm',
  password: 'hellotheworld',
  ...changes,
})

describe('rows', () => {
  it('become users, with the speed limit in each direction', async () => {
    const { users, refused } = await readRows([
      row({ transfer: 104_857_600, speed_limit: 0 }),
      {
        user_id: 2,
        port: 2346,
        method: 'none',
        password: 'x',
        transfer: 1,
        speed_limit: 384_000,
        enable: false,
      },
    ])
    expect(refused).toEqual([])
    expect(users).toEqual([
      {
        key: '1',
        enabled: true,
        limits: {},
        credentials: [{ kind: 'ss', port: 2345, method: 'aes-256-gcm', secret: 'hellotheworld' }],
      },
      {
        key: '2',
        enabled: false,
        limits: { up: 384_000, down: 384_000 },
        credentials: [{ kind: 'ss', port: 2346, method: 'none', secret: 'x' }],
      },
    ])
  })

  it.each([
    ['a port that others have as well', { user_id: 2 }],
    [
      'all the keys of a panel of 2019',
      { id: 3, node_id: 7, level: 0, name: 'n', used_traffic: 1, custom_method: 1 },
    ],
    ['numbers as texts', { user_id: '1', port: '2345', speed_limit: '100' }],
    ['null for what it does not have', { enable: null, speed_limit: null }],
    ['a method in capitals', { method: 'AES-256-GCM' }],
    ['the protocol of Shadowsocks', { protocol: 'ss' }],
    ['a key of 2022', { method: '2022-blake3-aes-128-gcm', password: KEY_128 }],
  ])('may have %s', async (_what, changes) => {
    const { users, refused } = await readRows([row(changes)])
    expect([users.length, refused]).toEqual([1, []])
  })

  it.each([
    [{ user_id: -1 }, 'user_id', undefined],
    [{ user_id: 1.5 }, 'user_id', undefined],
    [{ user_id: undefined }, 'user_id', undefined],
    [{ port: 0 }, 'port', '1'],
    [{ port: 65_536 }, 'port', '1'],
    [{ method: 'rot13' }, 'method', '1'],
    [{ method: 7 }, 'method', '1'],
    [{ password: '' }, 'password', '1'],
    [{ password: 42 }, 'password', '1'],
    [{ password: 'x'.repeat(1025) }, 'password', '1'],
    [{ method: '2022-blake3-aes-256-gcm' }, 'password', '1'],
    [{ method: '2022-blake3-aes-256-gcm', password: KEY_128 }, 'password', '1'],
    [{ enable: 'yes' }, 'enable', '1'],
    [{ speed_limit: -1 }, 'speed_limit', '1'],
    [{ speed_limit: 1e300 }, 'speed_limit', '1'],
    [{ protocol: 'trojan' }, 'protocol', '1'],
  ])('are refused one by one for %j', async (changes, field, key) => {
    const { users, refused } = await readRows([row({ user_id: 9 }), row(changes), row({ user_id: 10 })])
    expect(users.map((user) => user.key)).toEqual(['9', '10'])
    expect(refused).toEqual([{ index: 1, key, field, wanted: expect.any(String) }])
    expect(JSON.stringify(refused)).not.toMatch(/hello|AAEC/)
  })

  it.each([[null], [[]], ['user'], [7]])('are objects, and not %j', async (bad) => {
    expect((await readRows([bad])).refused).toEqual([
      { index: 0, key: undefined, field: 'user', wanted: 'an object' },
    ])
  })

  it('are the first ones of their users', async () => {
    const { users, refused } = await readRows([row(), row({ port: 1 })])
    expect(users).toHaveLength(1)
    expect(refused).toEqual([{ index: 1, key: '1', field: 'user_id', wanted: 'one row for a user' }])
  })

  it('without a port have the shared one, or none', async () => {
    const ports = async (port?: number): Promise<unknown> =>
      (await readRows([row({ port: undefined })], port)).users[0]?.credentials
    expect(await ports(443)).toMatchObject([{ port: 443 }])
    expect(await ports()).toEqual([{ kind: 'ss', method: 'aes-256-gcm', secret: 'hellotheworld' }])
  })

  it('are not more than a node takes', async () => {
    await expect(readRows(Array.from({ length: MAX_USERS + 1 }))).rejects.toMatchObject({
      code: 'USERS_TOO_LONG',
    })
  })

  it('leave time for others', async () => {
    const rows = Array.from({ length: 50_000 }, (_, id) => row({ user_id: id }))
    let turns = 0
    const counting = setInterval(() => (turns += 1), 1)
    await readRows(rows)
    clearInterval(counting)
    expect(turns).toBeGreaterThan(1)
  })
})
