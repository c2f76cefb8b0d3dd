import { AddressPolicy, createDial } from '@sluice/net'
import { Shaper } from '@sluice/ratelimit'
import { encodeResponseHead, type ForwardedRequest, forwardRequest } from '@sluice/wire'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Account } from '../../account.ts'
import { codeOf, ServiceError } from '../../errors.ts'
import type { Handshake, Serving } from '../../request.ts'
import { ScriptedTarget } from '../../testing/scripted-target.ts'
import { TestClient } from '../../testing/test-client.ts'
import { openTestDoor, type TestDoor } from '../../testing/test-door.ts'
import type { OwnAnswer } from '../answer.ts'
import { createHeadDecoder } from '../asked.ts'
import { heard, OK } from '../testing/http-stage.ts'
import { forwardSettings, VIA } from '../testing/test-http.ts'
import { ForwardClient } from './forward-client.ts'
import type { Passage, ReadRequest } from './read-request.ts'

let door: TestDoor
let target: ScriptedTarget
let shaper: Shaper
/** Whose requests are that have passed. */
let other: Account
/** What each request is passed to, by its session. */
let pass: (
  request: ForwardedRequest,
  session: Serving,
  keep: boolean,
) => ReturnType<NonNullable<ReadRequest['pass']>>
const done: number[] = []
const clients: TestClient[] = []

const own = (status: number, keep: boolean): OwnAnswer => {
  const fields: [string, string][] = [['Content-Length', '0']]
  if (!keep) fields.push(['Connection', 'close'])
  return { status, bytes: encodeResponseHead({ status, fields }) }
}

const handshake: Handshake = async (reader, directory) => {
  let session: Serving | undefined
  const settings = forwardSettings({
    read: (head) => {
      const request = forwardRequest(head, VIA)
      return {
        ...request,
        pass: (keep) => pass(request, session!, keep),
        onDone: (status) => void done.push(status),
      }
    },
    answer: (error, { keep = false }) => own(codeOf(error) === 'HOST_UNKNOWN' ? 499 : 599, keep),
  })
  const { head, bytes } = await reader.read(createHeadDecoder())
  const { conn } = reader
  return {
    protocol: 'http',
    account: directory.guest,
    target: undefined,
    reject: () => Promise.resolve(conn.destroy()),
    serve: (serving) => {
      session = serving
      return new ForwardClient(serving, undefined, settings).run(settings.read!(head), bytes.length)
    },
  }
}

beforeEach(async () => {
  shaper = new Shaper()
  const user = { id: 'other', name: 'other', enabled: true, limits: {}, credentials: [] }
  other = new Account(user, shaper, {}, () => {})
  target = await ScriptedTarget.open()
  const dial = createDial({ policy: new AddressPolicy(['127.0.0.0/8']) })
  door = await openTestDoor(handshake, { users: [], dial })
  done.length = 0
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await door.close()
  target[Symbol.dispose]()
  shaper.close()
})

const connect = async (): Promise<TestClient> => {
  const client = await TestClient.connect(door.address)
  clients.push(client)
  return client
}
const get = (path = '/'): string => `GET http://${target.authority}${path} HTTP/1.1\r\nHost: x\r\n\r\n`

test('a request counts for whom it passes to, and its target is found by its key', async () => {
  pass = (request, session): Passage => ({ request, lanes: session.openLanes(other, {}), key: request.path })
  const client = await connect()
  for (const path of ['/a', '/b', '/a']) {
    const skip = client.received.length
    client.send(Buffer.from(get(path)))
    const conn = target.conns.length < 2 ? await target.next() : target.conns[0]!
    expect(await conn.take()).toMatch(new RegExp(`^GET ${path} `))
    conn.send(OK)
    await heard(client, 'hello', skip)
  }
  expect(target.conns).toHaveLength(2)
  expect(other.flow).toMatchObject({ up: 3 * get('/a').length, down: client.received.length })
  expect(done).toEqual([200, 200, 200])
})

test('a request that does not pass is refused in the words of its door, and the next one may', async () => {
  pass = async (request, session) => {
    await Promise.resolve()
    if (request.path === '/no') throw new ServiceError('HOST_UNKNOWN')
    return { request, lanes: session.lanes, key: '' }
  }
  const client = await connect()
  client.send(Buffer.from(get('/no') + get('/yes')))
  expect(await heard(client, '\r\n\r\n')).toMatch(/^HTTP\/1.1 499 /)
  const conn = await target.next()
  expect(await conn.take()).toMatch(/^GET \/yes /)
  conn.send(OK)
  await heard(client, 'hello')
  expect(done).toEqual([499, 200])
})

test('a request may be answered without a target', async () => {
  pass = (_request, _session, keep) => own(308, keep)
  const client = await connect()
  client.send(Buffer.from(`${get()}POST http://x/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n`))
  const text = (await client.lastWords()).toString()
  expect(text.match(/308/g)).toHaveLength(2)
  expect(text.match(/Connection: close/g)).toHaveLength(1)
  expect([target.conns.length, done]).toEqual([0, [308, 308]])
})

test('a client that leaves while its request is passed is forgotten', async () => {
  const passing = Promise.withResolvers<Passage>()
  const asked = Promise.withResolvers<void>()
  pass = () => {
    asked.resolve()
    return passing.promise
  }
  const client = await connect()
  client.send(Buffer.from(get()))
  await asked.promise
  client.reset()
  expect(await door.end({ port: client.port, since: client.since })).toMatchObject({ code: 'CLIENT_RESET' })
  passing.reject(new ServiceError('HOST_UNKNOWN'))
  expect([target.conns.length, done]).toEqual([0, [0]])
})
