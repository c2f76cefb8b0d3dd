import { expect, it } from 'vitest'
import { Roster } from './roster.ts'
import { TimeSlices } from './time-slices.ts'
import { AES, accountOf, userOf } from './testing/users.ts'

const AES_2022 = '2022-blake3-aes-128-gcm'
const KEY_2022 = 'AAECAwQFBgcICQoLDA0ODw=='

it('reads every Shadowsocks credential, and no other', async () => {
  const account = accountOf({ name: 'ada', port: 1, secret: 'a' })
  account.update(
    {
      ...account.user,
      credentials: [
        { kind: 'token', hash: 'x' },
        { kind: 'ss', port: 1, method: 'AES-256-GCM', secret: 'a' },
        { kind: 'ss', method: AES_2022, secret: KEY_2022 },
      ],
    },
    0,
  )
  const { users, unserved, retired } = await new Roster().read([account], new TimeSlices())
  expect(users.map(({ name, port, method }) => [name, port, method.name])).toEqual([
    ['ada', 1, AES],
    ['ada', 0, AES_2022],
  ])
  expect([unserved, retired]).toEqual([[], []])
})

it('tells of an unknown method, and of a key that is none, and never the key', async () => {
  const accounts = [
    accountOf({ name: 'ada', method: 'rot13', port: 5, secret: 'my secret' }),
    accountOf({ name: 'bob', method: AES_2022, secret: 'my secret' }),
  ]
  const { users, unserved } = await new Roster().read(accounts, new TimeSlices())
  expect(users).toEqual([])
  expect(unserved).toMatchObject([
    { name: 'ada', port: 5, reason: 'METHOD_UNKNOWN', detail: 'rot13' },
    { name: 'bob', port: undefined, reason: 'KEY_INVALID' },
  ])
  expect(JSON.stringify(unserved)).not.toContain('secret')
})

it('keeps who has not changed, and retires what has', async () => {
  const roster = new Roster()
  const [ada, bob, eve] = [accountOf({ name: 'ada' }), accountOf({ name: 'bob' }), accountOf({ name: 'eve' })]
  const before = await roster.read([ada, bob, eve], new TimeSlices())
  ada.update({ ...userOf({ name: 'ada' }), limits: { down: 1 } }, 0)
  bob.update(userOf({ name: 'bob', secret: 'another' }), 0)
  const after = await roster.read([ada, bob], new TimeSlices())
  expect(after.users[0]).toBe(before.users[0])
  expect(after.users[1]).not.toBe(before.users[1])
  expect(after.retired).toEqual(before.users.slice(1))
  expect((await roster.read([ada, bob], new TimeSlices())).retired).toEqual([])
})

it.each([{ port: 2 }, { method: 'aes-128-gcm' }, { secret: 'another' }])('%o is a change', async (change) => {
  const roster = new Roster()
  const account = accountOf({ name: 'ada', port: 1 })
  const { users } = await roster.read([account], new TimeSlices())
  account.update(userOf({ name: 'ada', port: 1, ...change }), 0)
  expect((await roster.read([account], new TimeSlices())).retired).toEqual(users)
})
