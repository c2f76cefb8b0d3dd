import { ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { describe, expect, it, vi } from 'vitest'
import { planPorts, type PlanSettings } from './plan.ts'
import { ssUserOf } from './testing/users.ts'
import { TimeSlices } from './time-slices.ts'

const AES_2022 = '2022-blake3-aes-128-gcm'
const KEYS = ['AAECAwQFBgcICQoLDA0ODw==', 'QEFCQ0RFRkdISUpLTE1OTw==']
const serverKey = ssKey(ssMethod(AES_2022)!, KEYS[0]!)

const NONE: PlanSettings = { sharedPort: undefined, serverKeys: new Map(), insecureMethods: false }
const planOf = async (
  users: readonly ReturnType<typeof ssUserOf>[],
  settings: Partial<PlanSettings> = {},
) => {
  const { ports, unserved } = await planPorts(users, { ...NONE, ...settings }, new TimeSlices())
  const names = Object.fromEntries(
    [...ports].map(([port, plan]) => [port, plan.users.map(({ name }) => name).join(' ')]),
  )
  return { ports: names, unserved: unserved.map(({ name, reason }) => `${name} ${reason}`) }
}

it('gives each port to who wants it', async () => {
  const users = [
    ssUserOf({ name: 'ada', port: 1 }),
    ssUserOf({ name: 'bob', port: 2, method: AES_2022, secret: KEYS[0]! }),
  ]
  expect(await planOf(users)).toEqual({ ports: { 1: 'ada', 2: 'bob' }, unserved: [] })
})

describe('the shared port', () => {
  const users = [ssUserOf({ name: 'ada' }), ssUserOf({ name: 'bob', method: 'chacha20-ietf-poly1305' })]

  it('takes who has none of their own', async () => {
    expect(await planOf(users, { sharedPort: 8388 })).toEqual({ ports: { 0: 'ada bob' }, unserved: [] })
  })

  it('takes who has it as their own', async () => {
    expect(await planOf([...users, ssUserOf({ name: 'eve', port: 8388 })], { sharedPort: 8388 })).toEqual({
      ports: { 0: 'ada bob eve' },
      unserved: [],
    })
  })

  it('may be missing, and may be nobody’s', async () => {
    expect(await planOf(users)).toEqual({ ports: {}, unserved: ['ada PORT_MISSING', 'bob PORT_MISSING'] })
    expect((await planOf([], { sharedPort: 8388 })).ports).toEqual({ 0: '' })
  })
})

describe('a port that several want', () => {
  it.each(['none', 'aes-128-cfb', AES_2022])('stays with who comes first: %s', async (method) => {
    const first = ssUserOf({ name: 'ada', port: 1, method, secret: KEYS[0]! })
    const others = [
      ssUserOf({ name: 'bob', port: 1, method, secret: KEYS[1]! }),
      ssUserOf({ name: 'eve', port: 1 }),
    ]
    expect(await planOf([first, ...others], { insecureMethods: true })).toEqual({
      ports: { 1: 'ada' },
      unserved: ['bob PORT_TAKEN', 'eve PORT_TAKEN'],
    })
  })

  it('is shared by those with AEAD methods of 2017, and nobody else', async () => {
    const users = ['aes-128-gcm', AES_2022, 'xchacha20-ietf-poly1305', 'aes-256-gcm'].map((method, index) =>
      ssUserOf({ name: `user${index}`, port: 1, method, secret: KEYS[0]! }),
    )
    expect(await planOf(users)).toEqual({ ports: { 1: 'user0 user2 user3' }, unserved: ['user1 PORT_TAKEN'] })
  })

  it('has one user of a 2022 key, however it is written', async () => {
    const secrets = [KEYS[0]!, KEYS[0]!.replaceAll('=', ''), KEYS[1]!]
    const users = secrets.map((secret, index) =>
      ssUserOf({ name: `user${index}`, port: 1, method: AES_2022, secret }),
    )
    expect(await planOf(users, { serverKeys: new Map([[1, serverKey]]) })).toEqual({
      ports: { 1: 'user0 user2' },
      unserved: ['user1 SECRET_TAKEN'],
    })
  })

  it('has one user of a method and secret', async () => {
    const users = ['ada', 'bob', 'eve'].map((name) => ssUserOf({ name, port: 1, secret: 'same' }))
    users.push(ssUserOf({ name: 'fay', port: 1, secret: 'same', method: 'aes-128-gcm' }))
    expect(await planOf(users)).toEqual({
      ports: { 1: 'ada fay' },
      unserved: ['bob SECRET_TAKEN', 'eve SECRET_TAKEN'],
    })
    const { unserved } = await planPorts(users, NONE, new TimeSlices())
    expect(unserved[0]).toMatchObject({ port: 1, detail: 'by ada' })
  })

  it('stays with who is served already, unless they are disabled', async () => {
    const [ada, bob] = ['ada', 'bob'].map((name) =>
      ssUserOf({ name, port: 1, method: AES_2022, secret: KEYS[0]! }),
    )
    bob!.served = true
    expect((await planOf([ada!, bob!])).ports).toEqual({ 1: 'bob' })
    bob!.account.update({ ...bob!.account.user, enabled: false }, 0)
    expect((await planOf([ada!, bob!])).ports).toEqual({ 1: 'ada' })
    expect((await planOf([bob!])).ports).toEqual({ 1: 'bob' })
  })
})

describe('a port with a server key', () => {
  it('is for all users of its method', async () => {
    const users = KEYS.map((secret, index) =>
      ssUserOf({ name: `user${index}`, port: 1, method: AES_2022, secret }),
    )
    users.push(ssUserOf({ name: 'eve', port: 1 }))
    expect(await planOf(users, { serverKeys: new Map([[1, serverKey]]) })).toEqual({
      ports: { 1: 'user0 user1' },
      unserved: ['eve PORT_TAKEN'],
    })
  })

  it('is there without users, and may be the shared one', async () => {
    const users = [ssUserOf({ name: 'ada', method: AES_2022, secret: KEYS[1]! })]
    const serverKeys = new Map([
      [0, serverKey],
      [7, serverKey],
    ])
    expect(await planOf(users, { serverKeys, sharedPort: 8388 })).toEqual({
      ports: { 0: 'ada', 7: '' },
      unserved: [],
    })
  })
})

it.each(['none', 'aes-192-cfb'])('%s is served only where that is allowed', async (method) => {
  const users = [ssUserOf({ name: 'ada', port: 1, method }), ssUserOf({ name: 'bob', port: 1 })]
  expect(await planOf(users)).toEqual({ ports: { 1: 'bob' }, unserved: ['ada METHOD_INSECURE'] })
  expect((await planOf(users, { insecureMethods: true })).ports).toEqual({ 1: 'ada' })
})

it('lets others have their turn between two users', async () => {
  const slices = new TimeSlices()
  vi.spyOn(slices, 'isOver', 'get').mockReturnValue(true)
  const pauses = vi.spyOn(slices, 'pause').mockResolvedValue()
  await planPorts([ssUserOf({ name: 'ada', port: 1 }), ssUserOf({ name: 'bob', port: 1 })], NONE, slices)
  expect(pauses).toHaveBeenCalledTimes(4)
})
