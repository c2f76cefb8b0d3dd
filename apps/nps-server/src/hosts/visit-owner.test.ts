import { connect, type ClientHttp2Session } from 'node:http2'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Origins } from './testing/origin.ts'
import { heard, TestHosts } from './testing/test-hosts.ts'

let hosts: TestHosts
const origins = new Origins()

beforeAll(async () => {
  hosts = await TestHosts.open(
    [
      { name: 'ada', password: 'p' },
      { name: 'bob', password: 'p' },
      { name: 'eve', password: 'p', limits: { connections: 1 } },
    ],
    '--https',
    '127.0.0.1:0',
  )
})
afterAll(() => hosts[Symbol.asyncDispose]())
afterEach(async () => {
  origins.close()
  await hosts.reset()
  hosts.journal.lines.splice(0)
})

const site = async (host: string, user?: string): Promise<void> => {
  const targets = [await origins.serve((_, answer) => answer.end('hello'))]
  const account = user === undefined ? undefined : hosts.program.directory.byName(user)
  hosts.addHost({ host, targets }, hosts.addClient(account === undefined ? {} : { userId: account.user.id }))
}

const get = (host: string, isLast = false): string =>
  `GET / HTTP/1.1\r\nHost: ${host}\r\n${isLast ? 'Connection: close\r\n' : ''}\r\n`

/** What the log names, of requests one after the other on one connection and then of the connection itself. */
const named = async (...names: string[]): Promise<{ requests: unknown[]; session: unknown }> => {
  const visitor = await hosts.visitor('')
  for (const [nth, name] of names.entries()) {
    const { length } = visitor.received
    visitor.send(Buffer.from(get(name, nth === names.length - 1)))
    await heard(visitor, '\r\n\r\n', length)
  }
  const { user: session } = await hosts.end(visitor)
  return { requests: hosts.lines('request.end').map(({ user }) => user), session }
}

test('requests and their connection are those of the user whose host they ask for', async () => {
  await site('a.example', 'ada')
  await site('b.example', 'ada')
  expect(await named('a.example', 'b.example', 'unknown.example')).toEqual({
    requests: ['ada', 'ada', undefined],
    session: 'ada',
  })
})

test('a connection to hosts of several users is nobody’s, and each request is its own', async () => {
  await site('a.example', 'ada')
  await site('b.example', 'bob')
  expect(await named('a.example', 'b.example', 'a.example')).toEqual({
    requests: ['ada', 'bob', 'ada'],
    session: undefined,
  })
})

test('hosts of nobody are nobody’s', async () => {
  await site('n.example')
  expect(await named('n.example', 'unknown.example')).toEqual({
    requests: [undefined, undefined],
    session: undefined,
  })
})

test('a request that its user may not have is theirs nonetheless', async () => {
  await site('e.example', 'eve')
  const first = await hosts.visitor(get('e.example'))
  await heard(first, 'hello')
  expect(await named('e.example')).toEqual({ requests: ['eve', 'eve'], session: 'eve' })
  expect(hosts.lines('request.end').at(-1)).toMatchObject({ code: 'CONNECTION_LIMIT' })
})

test('of HTTP/2, too', async () => {
  await site('a.example', 'ada')
  const http2: ClientHttp2Session = connect(`https://127.0.0.1:${hosts.securePort}`, {
    rejectUnauthorized: false,
  })
  const stream = http2.request({ ':authority': 'a.example' })
  await once(stream.resume(), 'end')
  http2.close()
  await expect.poll(() => hosts.lines('session.end').at(-1)).toMatchObject({ door: 'https', user: 'ada' })
  expect(hosts.lines('request.end')).toMatchObject([{ user: 'ada' }])
})
