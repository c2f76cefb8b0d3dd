import { ScriptedTarget, type TestClient } from '@sluice/service/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { heard, type TestAgent, TestHosts } from './testing/test-hosts.ts'

let hosts: TestHosts
let target: ScriptedTarget
let agent: TestAgent['agent']

beforeEach(async () => {
  hosts = await TestHosts.open()
  target = await ScriptedTarget.open()
  agent = hosts.addHost({ host: 'a.example', targets: [target.authority] }).agent
})
afterEach(async () => {
  await hosts[Symbol.asyncDispose]()
  target[Symbol.dispose]()
})

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`
const post = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\nbody`

type TargetConn = Awaited<ReturnType<ScriptedTarget['next']>>

/** Has one request of a visitor answered. @param kept the conn that it should come over; undefined: a new one */
const exchange = async (visitor: TestClient, text: string, kept?: TargetConn): Promise<TargetConn> => {
  const skip = visitor.received.length
  visitor.send(Buffer.from(text))
  const conn = kept ?? (await target.next())
  expect(await conn.take()).toContain(text.slice(0, text.indexOf('\r')))
  conn.send(OK)
  await heard(visitor, 'hello', skip)
  return conn
}

test('requests of one visitor take one stream and one conn of the target, and nobody else takes these', async () => {
  const visitor = await hosts.visitor('')
  const conn = await exchange(visitor, get('/1'))
  for (const text of [get('/2'), post('/3'), get('/4')]) await exchange(visitor, text, conn)
  expect([agent.links.length, agent.streams, target.conns.length]).toEqual([1, 1, 1])
  await exchange(await hosts.visitor(''), get('/5'))
  await exchange(visitor, get('/6'), conn)
  expect([agent.links.length, agent.streams, target.conns.length]).toEqual([2, 2, 2])
})

test('a GET on a kept conn that the target closes without a word goes again over a new one', async () => {
  const visitor = await hosts.visitor('')
  const conn = await exchange(visitor, get('/1'))
  const skip = visitor.received.length
  visitor.send(Buffer.from(get('/2')))
  await conn.take()
  conn.socket.end()
  const another = await target.next()
  expect(await another.take()).toMatch(/^GET \/2 /)
  another.send(OK)
  await heard(visitor, 'hello', skip)
  expect(agent.links.length).toBe(2)
})

test.each([
  ['a POST', 'POST /2 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n', ''],
  ['a POST with a body', post('/2'), ''],
  ['a GET of whose answer some has come', get('/2'), 'HTTP/1.1 200 OK\r\n'],
])('%s is not sent again', async (_what, text, some) => {
  const visitor = await hosts.visitor('')
  const conn = await exchange(visitor, get('/1'))
  const skip = visitor.received.length
  visitor.send(Buffer.from(text))
  await conn.take()
  conn.send(some)
  conn.socket.end()
  expect(await heard(visitor, '</p>', skip)).toMatch(/^HTTP\/1.1 502 /)
  expect([agent.links.length, target.conns.length]).toEqual([1, 1])
})
