import { ScriptedTarget, TestClient } from '@sluice/service/testing'
import { hashPassword } from '@sluice/userstore'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { heard, TestHosts } from './testing/test-hosts.ts'

let hosts: TestHosts
let target: ScriptedTarget

beforeAll(async () => {
  hosts = await TestHosts.open()
})
afterAll(() => hosts[Symbol.asyncDispose]())
beforeEach(async () => {
  target = await ScriptedTarget.open()
})
afterEach(async () => {
  await hosts.reset()
  target[Symbol.dispose]()
  if (hosts.journal.lines.join('').includes('INTERNAL')) throw new Error(hosts.journal.lines.join(''))
})

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const CLOSE = 'Connection: close\r\n'
const get = (host: string, path = '/', more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`
const basic = (pair: string): string => `Authorization: Basic ${btoa(pair)}\r\n`
const site = (fields: object = {}): ReturnType<TestHosts['addHost']> =>
  hosts.addHost({ host: 'a.example', targets: [target.authority], ...fields })

/** All of an answer that ends the connection. */
const ask = async (text: string): Promise<string> => {
  const visitor = await hosts.visitor(text)
  return (await visitor.rest()).toString('latin1')
}

/** The head that the target gets. */
const passed = async (text: string): Promise<string> => {
  await hosts.visitor(text)
  return (await target.next()).take()
}

/** A visitor who was answered by the target, and the target's conn. */
const answered = async (text: string): ReturnType<typeof exchange> => exchange(await hosts.visitor(text))
const exchange = async (
  visitor: TestClient,
): Promise<{ visitor: TestClient; conn: Awaited<ReturnType<ScriptedTarget['next']>>; head: string }> => {
  const skip = visitor.received.length
  const conn = await target.next()
  const head = await conn.take()
  conn.send(OK)
  await heard(visitor, 'hello', skip)
  return { visitor, conn, head }
}

describe('a request', () => {
  test('goes to the target of its host through the client, and comes back', async () => {
    const { agent } = site()
    const { visitor, head } = await answered(get('A.Example:80', '/x?y'))
    expect(head).toMatch(/^GET \/x\?y HTTP\/1.1\r\nHost: A.Example:80\r\n/)
    expect(visitor.received.toString()).toMatch(
      /^HTTP\/1.1 200 OK\r\nContent-Length: 5\r\nVia: .*\r\n\r\nhello$/,
    )
    expect(agent.links).toEqual([
      {
        target: target.authority,
        visitor: { host: '127.0.0.1', port: visitor.port },
        proxyHeader: undefined,
      },
    ])
  })

  test('goes to another target where one cannot be reached', async () => {
    const { agent } = site({ targets: ['127.0.0.1:1', target.authority, '127.0.0.1:2'] })
    for (let i = 0; i < 3; i += 1) await answered(get('a.example'))
    expect(agent.links.length).toBeGreaterThan(3)
    expect(hosts.lines('target.passed-over')[0]).toMatchObject({ code: 'DIAL_REFUSED' })
    expect(hosts.lines('request.end').filter(({ code }) => code !== 'OK')).toEqual([])
  })

  test('is refused once no target can be reached', async () => {
    const { agent } = site({ targets: ['127.0.0.1:1', '127.0.0.1:2'] })
    expect(await ask(get('a.example', '/', CLOSE))).toMatch(/^HTTP\/1.1 502 /)
    expect(agent.links).toHaveLength(2)
  })

  test('comes from an IPv4 address, however it is written', async () => {
    await using both = await TestHosts.open([], '--http', '[::]:0')
    both.addHost({ host: 'a.example', targets: [target.authority] })
    const { port } = both.hosts.http!.address
    const visitor = await TestClient.connect({ host: '127.0.0.1', port })
    visitor.send(Buffer.from(get('a.example')))
    expect(await (await target.next()).take()).toContain('\r\nX-Real-IP: 127.0.0.1\r\n')
    visitor.close()
  })

  test('tells who the visitor is, whatever they say themselves', async () => {
    site()
    const spoofed =
      'X-Forwarded-For: 1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nForwarded: for=x\r\n'
    const head = await passed(get('a.example:81', '/', spoofed))
    expect(head.split('\r\n').filter((line) => /^(x-|forwarded)/i.test(line))).toEqual([
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Proto: http',
      'X-Real-IP: 127.0.0.1',
      'X-Forwarded-Host: a.example:81',
    ])
  })

  test('has the fields set that the record says, and another Host', async () => {
    const headers = [
      ['X-Site', 'http://a:1/'],
      ['cookie', 'c'],
      ['X-Real-IP', 'none'],
      ['Content-Length', '5'],
      ['X-Bad', 'a\r\nX-Worse: b'],
    ] as const
    site({ headers, hostChange: 'inner:8080' })
    const head = await passed(get('a.example', '/', 'Cookie: mine\r\n'))
    expect(head).toContain('\r\nHost: inner:8080\r\n')
    expect(head).toContain('\r\nX-Site: http://a:1/\r\n')
    expect(head).toContain('\r\ncookie: c\r\n')
    expect(head).toContain('\r\nX-Real-IP: none\r\n')
    expect(head).not.toMatch(/mine|Content-Length|X-Bad|X-Worse|X-Real-IP: 127/)
  })

  test('asks for a PROXY header where the record wants one', async () => {
    const { agent } = site({ proxyHeader: 2 })
    await passed(get('a.example'))
    expect(agent.links[0]).toMatchObject({ proxyHeader: { version: 2, to: hosts.hosts.http!.address } })
  })

  test('has its 100 Continue, its chunks and its trailers passed on', async () => {
    site()
    const fields = 'Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n'
    const visitor = await hosts.visitor(`POST / HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n`)
    const conn = await target.next()
    expect(await conn.take()).toContain('\r\nExpect: 100-continue\r\n')
    conn.send('HTTP/1.1 100 Continue\r\n\r\n')
    await heard(visitor, '100 Continue')
    visitor.send(Buffer.from('3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'))
    expect(await conn.take('X-Sum: 1\r\n\r\n')).toBe('3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n')
    conn.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n')
    expect(await heard(visitor, 'X-Sum: 2\r\n\r\n')).toContain('\r\n\r\n2\r\nok\r\n0\r\n')
  })

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ])('whose answer has no body leaves the connection open: %s %s', async (method, answer) => {
    site()
    const visitor = await hosts.visitor(`${method} / HTTP/1.1\r\nHost: a.example\r\n\r\n`)
    const conn = await target.next()
    await conn.take()
    conn.send(answer)
    const skip = (await heard(visitor, '\r\n\r\n')).length
    visitor.send(Buffer.from(get('a.example')))
    await conn.take()
    conn.send(OK)
    expect(await heard(visitor, 'hello', skip)).toMatch(/^HTTP\/1.1 200 OK/)
  })

  test('for another protocol becomes a tunnel', async () => {
    const { live, client } = site()
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n'
    const visitor = await hosts.visitor(get('a.example', '/', upgrade))
    const conn = await target.next()
    expect(await conn.take()).toContain('\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
    conn.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst')
    const skip = (await heard(visitor, 'first')).length
    const [{ up }, { down }] = [live.account.flow, live.account.flow]
    visitor.send(Buffer.from('ping'))
    await conn.take('ping')
    conn.send('pong')
    expect(await heard(visitor, 'pong', skip)).toBe('pong')
    expect(live.account.flow).toMatchObject({ up: up + 4, down: down + 4 })
    expect(client.account.flow).toMatchObject({ up: up + 4, down: down + 4 })
    expect(live.account.connections).toBe(1)
  })
})

describe('a connection', () => {
  test('that asks for one host after the other gets each from its own', async () => {
    site()
    const other = await ScriptedTarget.open()
    const second = hosts.addHost({ host: 'b.example', targets: [other.authority] })
    const { visitor, conn } = await answered(get('a.example'))
    visitor.send(Buffer.from(get('b.example')))
    const skip = visitor.received.length
    const far = await other.next()
    expect(await far.take()).toContain('\r\nHost: b.example\r\n')
    expect(second.live.account.connections).toBe(1)
    far.send(OK.replace('hello', 'world'))
    await heard(visitor, 'world', skip)
    const next = visitor.received.length
    visitor.send(Buffer.from(get('a.example', '/again')))
    expect(await conn.take()).toMatch(/^GET \/again /)
    conn.send(OK)
    await heard(visitor, 'hello', next)
    expect(target.conns.length + other.conns.length).toBe(2)
    expect(second.live.account.connections).toBe(0)
    other[Symbol.dispose]()
  })

  test('counts for its host, its client and its owner, heads included', async () => {
    const { live, client } = site()
    const { visitor } = await answered(get('a.example'))
    const [up, down] = [get('a.example').length, visitor.received.length]
    expect(live.account.flow).toMatchObject({ up, down })
    expect(client.account.flow).toMatchObject({ up, down })
    expect([live.account.connections, client.account.connections]).toEqual([1, 1])
    visitor.close()
    await hosts.end(visitor)
    expect([live.account.connections, client.account.connections]).toEqual([0, 0])
  })

  test('may be one too many', async () => {
    const { live } = site({ limits: { connections: 1 } })
    await answered(get('a.example'))
    const answer = await ask(get('a.example', '/', CLOSE))
    expect(answer).toMatch(/^HTTP\/1.1 429 .*CONNECTION_LIMIT/s)
    expect(live.account.connections).toBe(1)
  })

  test('is cut where its host is removed', async () => {
    const { live } = site()
    const { visitor } = await answered(get('a.example'))
    live.remove()
    await visitor.rest()
    expect(await hosts.end(visitor)).toMatchObject({ code: 'TUNNEL_REMOVED' })
  })

  test('that drips its head is closed in time', async () => {
    await using hasty = await TestHosts.open([], '--handshake-timeout', '200ms')
    const visitor = await hasty.visitor('GET / HTTP/1.1\r\nHost: a.exa')
    expect((await visitor.lastWords()).toString()).toMatch(/^HTTP\/1.1 408 /)
  })

  test.each([
    [
      'both lengths',
      'POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a.example\r\nHost: b\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: a.example\r\n b\r\n\r\n'],
    ['a bare LF', 'GET / HTTP/1.1\nHost: a.example\n\n'],
    ['a blank before the colon', 'GET / HTTP/1.1\r\nHost : a.example\r\n\r\n'],
    ['CONNECT', 'CONNECT a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('that sends %s reaches nobody', async (_, text) => {
    const { agent } = site()
    const answer = await ask(text)
    expect(answer).toMatch(/^HTTP\/1.1 (400|405|505) /)
    expect(answer).not.toMatch(/sluice/i)
    expect(agent.links).toEqual([])
  })
})

describe('who is not let in', () => {
  test.each([
    ['a name of nobody', get('b.example', '/', CLOSE)],
    ['a part of a name', get('evil.a.example', '/', CLOSE)],
    ['another location', get('a.example', '/elsewhere', CLOSE)],
    ['no name', 'GET / HTTP/1.0\r\n\r\n'],
  ])('%s finds a page that names nothing', async (_, text) => {
    site({ location: '/here' })
    const body = '<!doctype html><title>404 Not Found</title><h1>404 Not Found</h1>\n'
    expect(await ask(text)).toBe(
      'HTTP/1.1 404 Not Found\r\nCache-Control: no-store\r\nContent-Type: text/html; charset=utf-8\r\n' +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    )
  })

  test.each([
    [{ deny: ['127.0.0.0/8'] }, {}],
    [{ allow: ['192.0.2.0/24'] }, {}],
    [{}, { deny: ['127.0.0.1'] }],
    [{ allow: ['127.0.0.1'] }, { allow: ['::1'] }],
  ])('an address that is not welcome: %j, %j', async (ofHost, ofClient) => {
    const client = hosts.addClient({
      ...ofClient,
      login: { name: 'ada', hash: await hashPassword('horse', 1) },
    })
    hosts.addHost({ host: 'a.example', targets: [target.authority], ...ofHost }, client)
    expect(await ask(get('a.example', '/', CLOSE))).toMatch(/^HTTP\/1.1 403 .*VISITOR_DENIED/s)
  })

  test('a visitor whose password is wrong, before anything else is told', async () => {
    const client = hosts.registry.addClient({ login: { name: 'ada', hash: await hashPassword('horse', 1) } })
    hosts.registry.addHost(client, { host: 'a.example', targets: [target.authority] })
    for (const login of [
      '',
      basic('ada:cow'),
      basic('bob:horse'),
      'Authorization: Bearer x\r\n',
      'Authorization: Basic ?\r\n',
    ]) {
      const answer = await ask(get('a.example', '/', `${login}${CLOSE}`))
      expect(answer).toMatch(/^HTTP\/1.1 401 .*WWW-Authenticate: Basic realm="Restricted"/s)
    }
    const right = await ask(get('a.example', '/', `${basic('ada:horse')}${CLOSE}`))
    expect(right).toMatch(/^HTTP\/1.1 502 .*AGENT_OFFLINE/s)
  })

  test('a visitor who guesses has to wait', async () => {
    await using strict = await TestHosts.open([], '--auth-failures', '1')
    const client = strict.addClient({ login: { name: 'ada', hash: await hashPassword('horse', 1) } })
    strict.addHost({ host: 'a.example', targets: [target.authority] }, client)
    const guess = async (pair: string): Promise<string> => {
      const visitor = await strict.visitor(get('a.example', '/', `${basic(pair)}${CLOSE}`))
      return (await visitor.lastWords()).toString()
    }
    await guess('ada:cow')
    const answer = await guess('ada:hen')
    expect(answer).toMatch(/^HTTP\/1.1 429 .*Retry-After: \d/s)
  })

  test('a visitor who asks for a page first may come again on the same connection', async () => {
    const client = hosts.addClient({ login: { name: 'ada', hash: await hashPassword('horse', 1) } })
    hosts.addHost({ host: 'a.example', targets: [target.authority] }, client)
    const visitor = await hosts.visitor(get('a.example'))
    await heard(visitor, '</p>')
    const skip = visitor.received.length
    visitor.send(Buffer.from(get('a.example', '/', basic('ada:horse'))))
    const conn = await target.next()
    // The password is the door's.
    expect(await conn.take()).not.toMatch(/authorization/i)
    conn.send(OK)
    expect(await heard(visitor, 'hello', skip)).toMatch(/^HTTP\/1.1 200/)
  })

  test('a request that goes in a circle', async () => {
    hosts.addHost({ host: 'a.example', targets: [`127.0.0.1:${hosts.port}`] })
    expect(await ask(get('a.example', '/', CLOSE))).toMatch(/^HTTP\/1.1 508 /)
  })

  test.each([
    [{ enabled: false }, 404],
    [{ expiresAt: 1 }, 404],
    [{ limits: { quotaBytes: 0 } }, 429],
  ])('whoever comes for a host that is closed: %j', async (fields, status) => {
    site(fields)
    expect(await ask(get('a.example', '/', CLOSE))).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })
})

describe('a target', () => {
  test('that refuses is a bad gateway', async () => {
    const { port } = target
    target[Symbol.dispose]()
    site({ targets: [`127.0.0.1:${port}`] })
    expect(await ask(get('a.example', '/', CLOSE))).toMatch(/^HTTP\/1.1 502 .*DIAL_REFUSED/s)
  })

  test('has its turn, one request after the other', async () => {
    const other = await ScriptedTarget.open()
    site({ targets: [target.authority, other.authority] })
    const visitor = await hosts.visitor('')
    for (let round = 0; round < 4; round += 1) {
      const skip = visitor.received.length
      visitor.send(Buffer.from(get('a.example', `/${round}`)))
      const side = round % 2 === 0 ? other : target
      const conn = round < 2 ? await side.next() : side.conns[0]!
      expect(await conn.take()).toMatch(new RegExp(`^GET /${round} `))
      conn.send(OK)
      await heard(visitor, 'hello', skip)
    }
    other[Symbol.dispose]()
  })
})
