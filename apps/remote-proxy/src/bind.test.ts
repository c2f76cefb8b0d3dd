import { createServer } from 'node:net'
import { once } from 'node:events'
import { AddressPolicy, createDial, createLocate } from '@sluice/net'
import { openTestDoor, TestClient, type TestDoor, type TestUser } from '@sluice/service/testing'
import {
  type Address,
  COMMAND,
  decodeReply,
  decodeSocks4Reply,
  encodeGreeting,
  encodeReply,
  encodeRequest,
  encodeSocks4Reply,
  encodeSocks4Request,
  encodeUserPass,
  METHOD,
} from '@sluice/wire'
import { afterEach, describe, expect, test } from 'vitest'
import { Bind, type BindOptions } from './bind.ts'
import { OWN_HOST } from './testing/own-loopback.ts'
import { testHandshake } from './testing/test-handshake.ts'
import { bytesOf } from './testing/dialects.ts'

const ADA: TestUser = { name: 'ada', password: 'horse' }
const ANYBODY = { host: '0.0.0.0', port: 0 }
const LOCAL = { host: '127.0.0.1', port: 0 }
const AGREED = 4

let door: TestDoor
const clients: TestClient[] = []

const open = async (options: Partial<BindOptions> = {}, allow = ['127.0.0.0/8']): Promise<void> => {
  const policy = new AddressPolicy(allow)
  const locate = createLocate({ policy })
  const bind = new Bind({ locate: (target) => locate(target), timeoutMs: 20_000, ...options })
  door = await openTestDoor(testHandshake({ bind }), { users: [ADA], dial: createDial({ policy }) })
}
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await door.close()
})

const connect = async (...to: Parameters<typeof TestClient.connect>): Promise<TestClient> => {
  const client = await TestClient.connect(...to)
  clients.push(client)
  return client
}

/** A client that asks for a connection from `from`. */
const ask = async (from: Address): Promise<TestClient> => {
  const client = await connect(door.address)
  client.send(encodeGreeting({ methods: Uint8Array.of(METHOD.USER_PASS) }))
  client.send(encodeUserPass(bytesOf(ADA)))
  client.send(encodeRequest({ command: COMMAND.BIND, address: from }))
  return client
}

/** … and that was told where. */
const wait = async (from: Address): Promise<{ client: TestClient; bound: Address }> => {
  const client = await ask(from)
  const { reply, bound } = decodeReply((await client.take(AGREED + 10)).subarray(AGREED))!.value
  expect(reply).toBe(0)
  return { client, bound }
}

/** The address of a client as the door sees it. */
const addressOf = (client: TestClient, host = '127.0.0.1'): Address => ({ host, port: client.port })

const isClosed = async (at: Address): Promise<void> => {
  await expect(TestClient.connect(at)).rejects.toThrow('ECONNREFUSED')
}

const REPLIES = AGREED + 20

describe.each([LOCAL, { host: 'localhost', port: 1 }, ANYBODY])('BIND for $host', (from) => {
  test('tells where it listens and who came, and relays both ways', async () => {
    await open()
    const { client, bound } = await wait(from)
    expect(bound.host).toBe(OWN_HOST)
    const peer = await connect(bound)
    const told = (await client.take(REPLIES)).subarray(AGREED + 10)
    expect(told).toEqual(Buffer.from(encodeReply(0, addressOf(peer))))
    peer.send(Buffer.from('from the peer'))
    expect((await client.take(REPLIES + 13)).subarray(REPLIES).toString()).toBe('from the peer')
    client.send(Buffer.from('from the client'))
    client.finish()
    expect((await peer.rest()).toString()).toBe('from the client')
    peer.finish()
    await client.rest()
    expect(await door.end(client)).toMatchObject({ code: 'OK', user: 'ada', up: 15, down: 13 })
    await isClosed(bound)
  })
})

test('SOCKS4 does so in its own words', async () => {
  await open()
  const client = await connect(door.address)
  client.send(
    encodeSocks4Request({ command: COMMAND.BIND, address: LOCAL, userId: Buffer.from('ada:horse') }),
  )
  const { bound } = decodeSocks4Reply(await client.take(8))!.value
  const peer = await connect(bound)
  expect((await client.take(16)).subarray(8)).toEqual(Buffer.from(encodeSocks4Reply(90, addressOf(peer))))
  peer.send(Buffer.from('ping'))
  expect((await client.take(20)).subarray(16).toString()).toBe('ping')
})

test('what the client sends early waits for the peer', async () => {
  await open()
  const { client, bound } = await wait(LOCAL)
  client.send(Buffer.from('early'))
  client.finish()
  const peer = await connect(bound)
  expect((await peer.rest()).toString()).toBe('early')
})

test('a stranger is reset, and the wait goes on', async () => {
  await open()
  const { client, bound } = await wait(LOCAL)
  const stranger = connect(bound, { from: '127.0.0.2' }).then((each) => each.lastWords())
  await expect(stranger).rejects.toThrow('ECONNRESET')
  const peer = await connect(bound)
  expect((await client.take(REPLIES)).subarray(AGREED + 10)).toEqual(
    Buffer.from(encodeReply(0, addressOf(peer))),
  )
})

/** The last reply of a client that was refused, and how its session ended. */
const refusal = async (client: TestClient): Promise<[reply: number | undefined, code: string]> => {
  const words = await client.lastWords()
  return [words.at(-9), (await door.end(client)).code]
}

test.each([
  ['a denied address', '10.0.0.1', 2, 'TARGET_DENIED'],
  ['a name that nobody has', 'nobody.invalid', 4, 'DIAL_NAME_UNKNOWN'],
  ['an address of the other family', '::1', 3, 'DIAL_UNREACHABLE_NETWORK'],
])('%s is refused before anything listens', async (_, host, reply, code) => {
  await open({}, ['127.0.0.0/8', '::1'])
  const client = await ask({ host, port: 80 })
  expect(await refusal(client)).toEqual([reply, code])
  expect(client.received.length).toBe(AGREED + 10)
})

test('who comes where anybody may is asked about too', async () => {
  await open({}, [])
  const { client, bound } = await wait(ANYBODY)
  const peer = await connect(bound)
  expect(await refusal(client)).toEqual([2, 'TARGET_DENIED'])
  expect(await peer.rest()).toEqual(Buffer.alloc(0))
})

describe('the wait ends', () => {
  test('in time', async () => {
    await open({ timeoutMs: 50 })
    const { client, bound } = await wait(LOCAL)
    expect(await refusal(client)).toEqual([4, 'DIAL_TIMEOUT'])
    await isClosed(bound)
  })

  test.each(['reset', 'close'] as const)('when the client leaves by a %s', async (how) => {
    await open()
    const { client, bound } = await wait(LOCAL)
    client[how]()
    expect((await door.end(client)).code).toBe('CLIENT_CLOSED')
    await isClosed(bound)
  })

  test('when the session is cut', async () => {
    await open()
    const { client, bound } = await wait(LOCAL)
    door.sessions.cutAll('QUOTA_EXCEEDED')
    expect(await refusal(client)).toEqual([2, 'QUOTA_EXCEEDED'])
    await isClosed(bound)
  })

  test('when the program stops', async () => {
    await open()
    const { client, bound } = await wait(LOCAL)
    const drained = door.sessions.drained()
    expect(await refusal(client)).toEqual([1, 'SHUTDOWN'])
    await drained
    await isClosed(bound)
  })
})

test('a relay that is cut resets the peer', async () => {
  await open()
  const { client, bound } = await wait(LOCAL)
  const peer = await connect(bound)
  await client.take(REPLIES)
  door.sessions.cutAll('USER_REMOVED')
  await expect(peer.lastWords()).rejects.toThrow('ECONNRESET')
  expect((await door.end(client)).code).toBe('USER_REMOVED')
})

test('keeps to its ports, and says when none is free', async () => {
  const taken = createServer().listen(0, OWN_HOST)
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  await open({ ports: { first: port, last: port } })
  expect(await refusal(await ask(LOCAL))).toEqual([1, 'DIAL_LOCAL_LIMIT'])
  taken.close()
  await once(taken, 'close')
  expect((await wait(LOCAL)).bound.port).toBe(port)
})

test('listens where it is told to', async () => {
  await open({ host: '127.0.0.3' })
  expect((await wait(ANYBODY)).bound.host).toBe('127.0.0.3')
})

test('tells the address by which the client came where it listens on all', async () => {
  await open({ host: '0.0.0.0' })
  expect((await wait(LOCAL)).bound.host).toBe(OWN_HOST)
})
