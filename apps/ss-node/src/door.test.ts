import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { formatAddress } from '@sluice/wire'
import { SS_METHOD_NAMES, ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import type { Address } from '@sluice/wire'
import type { UserPatch } from '@sluice/userstore'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { End } from './testing/journal.ts'
import { freePort, OWN_HOST } from './testing/own-loopback.ts'
import { requestOf, SsClient } from './testing/ss-client.ts'
import { configOf, echo, openOrigin, openTestNode, pour, type TestNode } from './testing/test-node.ts'
import { AES, type TestUser, userOf } from './testing/users.ts'

const MIB = 1024 * 1024
const NAMES =
  'disabled removed expired spent tightened crowded lifted changed moved stays halved mixed roaming'
const LIMITS: Readonly<Record<string, TestUser['limits']>> = {
  spent: { quotaBytes: 100_000 },
  lifted: { down: 1, burst: 1 },
  roaming: { ips: 1 },
}
const USERS: TestUser[] = NAMES.split(' ').map((name, index) => ({
  name,
  method: ['aes-128-gcm', AES, 'chacha20-ietf-poly1305'][index % 3]!,
  ...(LIMITS[name] && { limits: LIMITS[name] }),
}))
const userCalled = (name: string): TestUser => USERS.find((user) => user.name === name)!

let node: TestNode
let echoing: Address & Disposable
let pouring: Address & Disposable

beforeAll(async () => {
  echoing = await openOrigin(echo)
  pouring = await openOrigin(pour)
  node = await openTestNode(USERS, '--device-bytes', '0', '--device-ttl', '0')
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  echoing[Symbol.dispose]()
  pouring[Symbol.dispose]()
})

const secretOf = (method: string): string => {
  const { kind, keyBytes } = ssMethod(method)!
  return kind === '2022' ? Buffer.alloc(keyBytes, 7).toString('base64') : 'correct horse'
}

/** A client that has come in. */
const enter = async (user: TestUser, target: Address, at: TestNode = node): Promise<SsClient> => {
  const client = await SsClient.connect(at.shared)
  client.ask(user, target, { early: Buffer.from('ping') })
  await client.take(4)
  return client
}
const update = (name: string, patch: UserPatch): Promise<unknown> => node.program.store.update(name, patch)
const endOf = (client: SsClient, at: TestNode = node): Promise<End> => at.journal.end(client)

/** With what code a user is turned away, or OK. */
const refusal = async (user: TestUser, from?: string): Promise<string> => {
  const client = await SsClient.connect(node.shared, from)
  client.ask(user, echoing, { early: Buffer.from('ping') })
  client.finish()
  await client.rest()
  expect(client.failure).toBeUndefined()
  return (await endOf(client)).code
}

describe.each(SS_METHOD_NAMES)('%s', (method) => {
  const user: TestUser = { name: 'ada', method, secret: secretOf(method) }
  let own: TestNode
  beforeAll(async () => {
    own = await openTestNode([user])
  })
  afterAll(() => own[Symbol.asyncDispose]())

  test.each([0, 1, 5, 0x3fff, 0x4000, 100_000])(
    'carries both ways what it is given, %i bytes with the request, and counts the payload',
    async (size) => {
      const client = await SsClient.connect(own.shared)
      const early = Buffer.alloc(size, 'early')
      client.ask(user, echoing, { early })
      client.say(Buffer.alloc(MIB / 4, 'sluice'))
      client.finish()
      const wanted = Buffer.concat([early, Buffer.alloc(MIB / 4, 'sluice')])
      expect((await client.rest()).equals(wanted)).toBe(true)
      const bytes = size + MIB / 4
      const end = { code: 'OK', user: 'ada', target: formatAddress(echoing), up: bytes, down: bytes }
      expect(await endOf(client, own)).toMatchObject(end)
    },
  )

  test('takes one byte at a time', async () => {
    const client = await SsClient.connect(own.shared)
    const asked = requestOf(user, echoing)
    client.use(asked)
    await client.drip(asked.bytes)
    client.say(Buffer.from('hello'))
    expect((await client.take(5)).toString()).toBe('hello')
    client.close()
  })

  test('brings all that a target sends, though the client takes it in its own time', async () => {
    const client = await SsClient.connect(own.shared)
    client.ask(user, pouring)
    for (let size = MIB; size <= 3 * MIB; size += MIB) {
      await client.take(size)
      client.pause()
      const other = await enter(user, echoing, own)
      other.close()
      client.resume()
    }
    client.close()
    expect(client.plain.equals(Buffer.alloc(client.plain.length))).toBe(true)
    expect((await endOf(client, own)).code).toBe('CLIENT_RESET')
  })
})

describe('many users on one port', () => {
  test('are told apart by their keys, and found at once where they come again', async () => {
    for (const user of [...USERS.slice(7), ...USERS.slice(7)]) {
      if (user.name === 'roaming') continue
      const client = await enter(user, echoing)
      client.finish()
      expect(await endOf(client)).toMatchObject({ code: 'OK', user: user.name })
    }
  })

  test('say who they are in an identity header, where the port has a key', async () => {
    const method = '2022-blake3-aes-128-gcm'
    const keys = [1, 2, 3].map((byte) => Buffer.alloc(16, byte).toString('base64'))
    const users = ['ada', 'bob'].map((name, index) => ({ name, method, secret: keys[index]! }))
    await using own = await openTestNode(users, '--identity-key', `0:${method}:${keys[2]!}`)
    const serverKey = ssKey(ssMethod(method)!, keys[2]!)
    for (const user of users) {
      const client = await SsClient.connect(own.shared)
      client.ask(user, echoing, { serverKey, early: Buffer.from('hello') })
      client.finish()
      expect((await client.rest()).toString()).toBe('hello')
      expect(await endOf(client, own)).toMatchObject({ code: 'OK', user: user.name })
    }
  })
})

describe.concurrent('while connections run', () => {
  test('a user that is disabled is cut off, and may come back once enabled', async (context) => {
    const user = userCalled('disabled')
    const client = await enter(user, echoing)
    await update('disabled', { enabled: false })
    await client.rest()
    context.expect((await endOf(client)).code).toBe('USER_DISABLED')
    context.expect(await refusal(user)).toBe('USER_DISABLED')
    await update('disabled', { enabled: true })
    await context.expect.poll(() => refusal(user), { interval: 20 }).toBe('OK')
  })

  test('a user that is removed is cut off', async (context) => {
    const client = await enter(userCalled('removed'), echoing)
    await node.program.store.remove('removed')
    await client.rest()
    context.expect((await endOf(client)).code).toBe('USER_REMOVED')
  })

  test('a user that expires is cut off', async (context) => {
    const client = await enter(userCalled('expired'), echoing)
    await update('expired', { expiresAt: 1 })
    await client.rest()
    context.expect((await endOf(client)).code).toBe('USER_EXPIRED')
    context.expect(await refusal(userCalled('expired'))).toBe('USER_EXPIRED')
  })

  test('a quota ends all connections at its last byte', async (context) => {
    const client = await SsClient.connect(node.shared)
    client.ask(userCalled('spent'), pouring)
    await client.rest()
    const { code, up, down } = await endOf(client)
    context.expect({ code, bytes: up + down }).toEqual({ code: 'QUOTA_EXCEEDED', bytes: 100_000 })
    context.expect(client.plain.length).toBeLessThanOrEqual(100_000)
    context.expect(await refusal(userCalled('spent'))).toBe('QUOTA_EXCEEDED')
  })

  test('a rate that is lifted lets a waiting download go', async () => {
    const client = await SsClient.connect(node.shared)
    client.ask(userCalled('lifted'), pouring)
    await client.take(1)
    await update('lifted', { limits: { down: null, burst: null } })
    await client.take(4 * MIB)
    client.close()
  })

  test('a lowered number of connections is held to, the newest going first', async (context) => {
    const user = userCalled('crowded')
    const clients = [await enter(user, echoing), await enter(user, echoing)]
    await update('crowded', { limits: { connections: 1 } })
    await clients[1]!.rest()
    context.expect((await endOf(clients[1]!)).code).toBe('CONNECTION_LIMIT')
    context.expect(await refusal(user)).toBe('CONNECTION_LIMIT')
    clients[0]!.close()
  })

  test('a second address is refused where one is allowed', async (context) => {
    const client = await enter(userCalled('roaming'), echoing)
    context.expect(await refusal(userCalled('roaming'), '127.0.0.2')).toBe('IP_LIMIT')
    client.close()
  })

  test('a new secret or port ends what came in with the old one, and nobody else', async (context) => {
    const other = await enter(userCalled('stays'), echoing)
    const client = await enter(userCalled('changed'), echoing)
    const user = { ...userCalled('changed'), secret: 'another' }
    await update('changed', { credentials: userOf(user).credentials })
    await client.rest()
    context.expect((await endOf(client)).code).toBe('CREDENTIAL_CHANGED')
    const again = await enter(user, echoing)
    const port = freePort()
    await update('changed', { credentials: userOf({ ...user, port }).credentials })
    await again.rest()
    const elsewhere = { ...node.shared, port }
    await context.expect.poll(() => SsClient.connect(elsewhere).catch(() => undefined)).toBeDefined()
    const moved = await SsClient.connect(elsewhere)
    moved.ask(user, echoing, { early: Buffer.from('here') })
    context.expect((await moved.take(4)).toString()).toBe('here')
    other.say(Buffer.from('still'))
    context.expect((await other.take(9)).toString()).toBe('pingstill')
    for (const each of [moved, other]) each.close()
  })
})

describe('half-close', () => {
  test('of the client: the target still answers; every byte is counted once', async () => {
    using origin = await openOrigin((socket) => void socket.resume().on('end', () => socket.end('after')))
    const client = await SsClient.connect(node.shared)
    client.ask(userCalled('halved'), origin)
    client.say(Buffer.alloc(MIB))
    client.finish()
    expect((await client.rest()).toString()).toBe('after')
    expect(await endOf(client)).toMatchObject({ code: 'OK', up: MIB, down: 5 })
  })

  test('of the target: the client may still send', async () => {
    const got = Promise.withResolvers<number>()
    let bytes = 0
    using origin = await openOrigin((socket) =>
      socket
        .end('first')
        .on('data', (chunk) => (bytes += chunk.length))
        .on('end', () => got.resolve(bytes)),
    )
    const client = await SsClient.connect(node.shared)
    client.ask(userCalled('mixed'), origin)
    expect((await client.rest()).toString()).toBe('first')
    client.say(Buffer.alloc(MIB))
    client.finish()
    expect(await got.promise).toBe(MIB)
    expect(await endOf(client)).toMatchObject({ code: 'OK', up: MIB, down: 5 })
  })
})

describe('after a request that was understood', () => {
  test('a target that cannot be reached is an end, and no reset', async () => {
    const port = freePort()
    const client = await SsClient.connect(node.shared)
    client.ask(userCalled('mixed'), { host: OWN_HOST, port }, { early: Buffer.alloc(100_000) })
    expect([(await client.rest()).length, client.raw.length, client.failure]).toEqual([0, 0, undefined])
    expect((await endOf(client)).code).toBe('DIAL_REFUSED')
  })

  test.each([
    ['10.0.0.1', 80],
    ['127.0.0.1', 0],
  ])('%s:%i is denied, or no target at all', async (host, port) => {
    const client = await SsClient.connect(node.shared)
    client.ask(userCalled('mixed'), { host, port })
    client.finish()
    await client.rest()
    expect(['TARGET_DENIED', 'HANDSHAKE_INVALID']).toContain((await endOf(client)).code)
  })

  test('the door itself is no target, whatever is allowed', async () => {
    const client = await SsClient.connect(node.shared)
    client.ask(userCalled('mixed'), node.shared)
    await client.rest()
    expect((await endOf(client)).code).toBe('TARGET_DENIED')
  })

  test('a piece that was changed on its way is answered by nothing, and the target sees no end', async () => {
    const ended: string[] = []
    using origin = await openOrigin((socket) => {
      socket.on('end', () => ended.push('end')).on('close', () => ended.push('close'))
      echo(socket)
    })
    const client = await enter(userCalled('mixed'), origin)
    client.send(Buffer.alloc(100, 9))
    client.say(Buffer.from('lost'))
    client.finish()
    await client.rest()
    expect([client.plain.toString(), await endOf(client)]).toMatchObject(['ping', { code: 'CLIENT_RESET' }])
    await expect.poll(() => ended).toContain('close')
    expect(ended).not.toContain('end')
  })
})

describe('ports', () => {
  test('of users are announced with their names, shared ones without', async () => {
    const port = freePort()
    await using own = await openTestNode([{ name: 'ada', port }, { name: 'bob' }, { name: 'eve' }])
    const [shared, adas] = own.journal.of('listening')
    expect(shared).toMatchObject({ door: 'ss', ...own.shared })
    expect(shared).not.toHaveProperty('user')
    expect(adas).toMatchObject({ door: 'ss', port, user: 'ada' })
    const metrics = await (await fetch(`http://${formatAddress(own.ops)}/metrics`)).text()
    expect(metrics).toContain('sluice_ss_ports{state="open"} 2')
  })

  test('that are in use cost only their user', async () => {
    const server = createServer().listen(0, OWN_HOST)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const bob = { name: 'bob' }
    await using own = await openTestNode([{ name: 'ada', port }, bob])
    const client = await enter(bob, echoing, own)
    client.close()
    const line = { user: 'ada', port, reason: 'PORT_UNAVAILABLE', detail: 'EADDRINUSE' }
    expect(own.journal.of('user.unserved')).toMatchObject([line])
    const metrics = await (await fetch(`http://${formatAddress(own.ops)}/metrics`)).text()
    expect(metrics).toContain('sluice_ss_users_unserved{reason="PORT_UNAVAILABLE"} 1')
    server.close()
  })
})

test('methods that protect nothing are served where a user names one, and told; unless that is forbidden', async () => {
  const user: TestUser = { name: 'ada', method: 'none' }
  await using strict = await openTestNode([user], '--no-insecure-methods')
  await using lax = await openTestNode([user])
  expect(strict.journal.of('user.unserved')).toMatchObject([{ user: 'ada', reason: 'METHOD_INSECURE' }])
  expect(lax.journal.of('methods.insecure')).toMatchObject([{ users: 1 }])
  await lax.program.store.remove('ada')
  await expect.poll(() => lax.door.ports.users).toEqual([])
  await lax.program.store.add(userOf({ name: 'bob', method: 'none' }))
  await expect.poll(() => lax.journal.of('methods.insecure')).toHaveLength(2)
  const metrics = await (await fetch(`http://${formatAddress(lax.ops)}/metrics`)).text()
  expect(metrics).toContain('sluice_ss_insecure_users 1')
})

test('who comes, who is found and who probes is shown, under the names of the original too', async () => {
  const eve = { name: 'eve' }
  await using own = await openTestNode([{ name: 'bob' }, eve])
  const client = await enter(eve, echoing, own)
  const probe = connect(own.shared.port, own.shared.host)
  probe.on('error', () => {}).write(Buffer.alloc(100, 7))
  const metrics = async (): Promise<string> =>
    (await fetch(`http://${formatAddress(own.ops)}/metrics`)).text()
  await expect.poll(metrics).toContain('\nsluice_ss_probes_total 1\n')
  const text = await metrics()
  expect(text).toMatch(/^connection_made_count_total\{ss_node=".+"\} 2$/m)
  expect(text).toMatch(/^active_connection_count\{ss_node=".+"\} 2$/m)
  expect(text).toMatch(/^find_access_user_time_seconds_count\{ss_node=".+"\} 1$/m)
  expect(text).toMatch(/^encrypt_data_time_seconds_count\{ss_node=".+"\} 1$/m)
  expect(text).toContain('sluice_ss_find_seconds_count{result="unknown"} 1\n')
  probe.destroy()
  client.close()
})

test('users have 60 connections unless they or the operator say otherwise', async () => {
  await using own = await openTestNode(
    [{ name: 'ada' }, { name: 'bob', limits: { connections: 2 } }],
    '--connections',
    '1',
  )
  const client = await enter({ name: 'ada' }, echoing, own)
  const second = await SsClient.connect(own.shared)
  second.ask({ name: 'ada' }, echoing)
  await second.rest()
  expect((await endOf(second, own)).code).toBe('CONNECTION_LIMIT')
  const bobs = [await enter({ name: 'bob' }, echoing, own), await enter({ name: 'bob' }, echoing, own)]
  for (const each of [client, ...bobs]) each.close()
  expect(configOf().connections).toBe(60)
})

test('a stop waits for those who are in, and opens nothing more', async () => {
  const own = await openTestNode([{ name: 'ada' }])
  const client = await enter({ name: 'ada' }, echoing, own)
  const stopped = own.program.stop()
  await expect(SsClient.connect(own.shared)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  client.say(Buffer.from('more'))
  await client.take(8)
  client.finish()
  await stopped
  expect((await endOf(client, own)).code).toBe('OK')
  await own[Symbol.asyncDispose]()
})

test('nothing secret is in the log', () => {
  const log = node.journal.lines.join('')
  expect(log).not.toContain('secret of')
  expect(log).not.toContain('INTERNAL')
})
