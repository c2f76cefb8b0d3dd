import { ScriptedTarget, type TargetConn, TestClient } from '@sluice/service/testing'
import { encodeBasic } from '@sluice/wire'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configOf, openTestProgram, type TestProgram } from './testing/test-program.ts'

const VIA = 'Via: 1.1 test\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'
const WHO = 'HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm="theirs"\r\nContent-Length: 0\r\n\r\n'

const basic = (username: string, password: string): string =>
  encodeBasic({ username: Buffer.from(username), password: Buffer.from(password) })

let running: TestProgram
let parent: ScriptedTarget
const clients: TestClient[] = []

beforeEach(async () => {
  parent = await ScriptedTarget.open()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await running[Symbol.asyncDispose]()
  parent[Symbol.dispose]()
  const log = running.journal.lines.join('')
  if (/INTERNAL|secret|Ym9iOnNlY3JldA/.test(log)) throw new Error(log)
})

const open = async (...argv: string[]): Promise<void> => {
  const ada = { name: 'ada', password: 'horse' }
  running = await openTestProgram([ada], '--allow', '127.0.0.0/8', '--via', 'test', ...argv)
}
const upstream = (scheme = 'http'): string => `${scheme}://bob:secret@${parent.authority}`

const connect = async (): Promise<TestClient> => {
  const client = await TestClient.connect(running.door.http)
  clients.push(client)
  return client
}
const ask = (client: TestClient, url: string, method = 'GET', more = '\r\n'): void => {
  const login = `Proxy-Authorization: ${basic('ada', 'horse')}\r\n`
  client.send(Buffer.from(`${method} ${url} HTTP/1.1\r\nHost: x\r\n${login}${more}`))
}
/** A client whose request has come to the parent. */
const enter = async (url = 'http://target.test/a?b'): Promise<{ client: TestClient; conn: TargetConn }> => {
  const client = await connect()
  ask(client, url)
  return { client, conn: await parent.next() }
}
/** Waits until the client has got `sign` behind its first `skip` bytes. */
const heard = async (client: TestClient, sign: string, skip = 0): Promise<string> => {
  for (;;) {
    const text = client.received.toString('latin1').slice(skip)
    if (text.includes(sign)) return text
    if (client.over) throw new Error(`over: ${text}`)
    await client.take(client.received.length + 1)
  }
}
const requests = (): unknown[] =>
  running.journal.lines.filter((line) => line.includes('"request.end"')).map((line) => JSON.parse(line))

/** By upstream, the results of its dials. */
const dials = (): unknown =>
  Object.fromEntries(
    [...running.program.metrics.wayOut.dials].map(([name, by]) => [name, Object.fromEntries(by)]),
  )

describe('a request whose way ends at an HTTP proxy', () => {
  test('is for that: in absolute-form, with its credentials and none of ours', async () => {
    await open('--upstream', upstream())
    const { client, conn } = await enter()
    expect(await conn.take()).toBe(
      'GET http://target.test/a?b HTTP/1.1\r\n' +
        `Proxy-Authorization: ${basic('bob', 'secret')}\r\nHost: target.test\r\n${VIA}\r\n`,
    )
    conn.send(OK)
    expect(await heard(client, 'hi')).toBe(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${VIA}\r\nhi`)
    ask(client, 'http://target.test/', 'POST', 'Content-Length: 4\r\n\r\nbody')
    expect(await conn.take('body')).toMatch(/^POST http:\/\/target\.test\/ HTTP[^]*\r\n\r\nbody$/)
    conn.send(OK)
    await heard(client, 'hi', client.received.length)
    expect(requests()).toMatchObject([
      { host: 'target.test', status: 200, upstream: 'default' },
      { host: 'target.test', status: 200, upstream: 'default' },
    ])
    expect([parent.conns.length, dials()]).toEqual([1, { default: { ok: 1 } }])
  })

  test('finds it at the end of a chain', async () => {
    using first = await ScriptedTarget.open()
    await open('--upstream', `socks5://127.0.0.1:${first.port}`)
    const chain = [`http://127.0.0.1:${first.port}`, upstream()].map(
      (url) => configOf('--upstream', url).upstream![0]!,
    )
    const check = { failures: 3, timeoutMs: 4000, retryMs: 1000, retryMaxMs: 60_000 }
    const upstreams = { default: { members: [{ hops: chain, weight: 1 }], balance: 'first', check } } as const
    await running.program.reload({ ...configOf('--allow', '127.0.0.0/8'), upstreams })
    const client = await connect()
    ask(client, 'http://target.test/')
    const conn = await first.next()
    expect(await conn.take()).toMatch(new RegExp(`^CONNECT ${parent.authority} `))
    conn.send('HTTP/1.1 200 OK\r\n\r\n')
    expect(await conn.take()).toMatch(/^GET http:\/\/target\.test\/ HTTP\/1\.1\r\nProxy-Authorization: /)
    conn.send(OK)
    expect(await heard(client, 'hi')).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('is told what the proxy says, but for a 407, which is ours to answer for', async () => {
    await open('--upstream', upstream())
    const { client, conn } = await enter()
    await conn.take()
    conn.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    expect(await heard(client, 'no')).toMatch(/^HTTP\/1\.1 403 /)
    const skip = client.received.length
    ask(client, 'http://target.test/')
    await conn.take()
    conn.send(WHO)
    const answer = await heard(client, 'UPSTREAM_AUTH: ', skip)
    expect(answer).toMatch(/^HTTP\/1\.1 502 [^]*Sluice-Code: UPSTREAM_AUTH\r\n/)
    expect(answer).not.toContain('Proxy-Authenticate')
    expect(requests()).toMatchObject([
      { status: 403, code: 'OK' },
      { status: 502, code: 'UPSTREAM_AUTH' },
    ])
    // The first one took us; that it does not any more is no news of a dial.
    expect(dials()).toEqual({ default: { ok: 1 } })
  })

  test('counts a proxy that does not take our credentials as one that has failed', async () => {
    await open('--upstream', upstream())
    const client = await connect()
    for (let skip = 0, i = 0; i < 3; i++) {
      ask(client, 'http://target.test/')
      const conn = await parent.next()
      await conn.take()
      conn.send(WHO)
      skip += (await heard(client, 'UPSTREAM_AUTH: ', skip)).length
    }
    expect(dials()).toEqual({ default: { auth: 3 } })
    expect(running.journal.lines.filter((line) => line.includes('upstream.out'))).toHaveLength(1)
  })

  test('goes to the next member where one cannot be reached, and fails where one hangs up', async () => {
    const dead = await ScriptedTarget.open()
    dead[Symbol.dispose]()
    await open('--upstream', `http://${dead.authority},${upstream()}`)
    const { client, conn } = await enter()
    await conn.take()
    conn.socket.destroy()
    expect(await heard(client, 'UPSTREAM_FAILED: ')).toMatch(/^HTTP\/1\.1 502 /)
    expect(dials()).toEqual({ default: { failed: 2 } })
  })

  test('is not counted where its client leaves first', async () => {
    await open('--upstream', upstream())
    const { client, conn } = await enter()
    await conn.take()
    client.reset()
    await conn.until(() => conn.closed)
    expect(dials()).toEqual({ default: { aborted: 1 } })
  })

  test('may be for another protocol', async () => {
    await open('--upstream', upstream())
    const client = await connect()
    ask(client, 'http://target.test/ws', 'GET', 'Connection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    const conn = await parent.next()
    expect(await conn.take()).toMatch(
      /^GET http:\/\/target\.test\/ws [^]*\r\nConnection: Upgrade\r\nUpgrade: echo\r\n/,
    )
    conn.send('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nyes')
    await heard(client, 'yes')
    client.send(Buffer.from('and on'))
    expect(await conn.take('and on')).toBe('and on')
    expect(dials()).toEqual({ default: { ok: 1 } })
  })
})

test('CONNECT asks the proxy for a tunnel, as before', async () => {
  await open('--upstream', upstream())
  const client = await connect()
  ask(client, 'target.test:80', 'CONNECT')
  const conn = await parent.next()
  expect(await conn.take()).toMatch(/^CONNECT target\.test:80 HTTP\/1\.1\r\nHost: target\.test:80\r\n/)
})

describe('a conn that is kept', () => {
  const config = (): ReturnType<typeof configOf> => configOf('--allow', '127.0.0.0/8')
  const kept = async (url: string): Promise<{ client: TestClient; conn: TargetConn; skip: number }> => {
    const { client, conn } = await enter(url)
    await conn.take()
    conn.send(OK)
    return { client, conn, skip: (await heard(client, 'hi')).length }
  }

  test('is used again as long as rules say the same, though they are asked each time', async () => {
    await open()
    const [port] = [parent.port]
    const rules = [{ action: 'allow', ports: [[port, port]] }, { action: 'deny' }] as const
    await running.program.reload({ ...config(), rules })
    const { client, conn, skip } = await kept(`http://${parent.authority}/`)
    ask(client, `http://${parent.authority}/`)
    await conn.take()
    conn.send(OK)
    await heard(client, 'hi', skip)
    expect(parent.conns.length).toBe(1)
  })

  test('is not, where a rule has come that denies its target, and each request is judged', async () => {
    await open()
    const { client, conn, skip } = await kept(`http://${parent.authority}/`)
    await running.program.reload({
      ...config(),
      rules: [{ action: 'deny', name: 'closed', protocols: ['http'] }],
    })
    ask(client, `http://${parent.authority}/`)
    expect(await heard(client, 'ACCESS_DENIED: ', skip)).toMatch(
      /^HTTP\/1\.1 403 [^]*Sluice-Code: ACCESS_DENIED\r\n/,
    )
    await conn.until(() => conn.ended || conn.closed)
    expect(requests()).toMatchObject([{ code: 'OK' }, { code: 'ACCESS_DENIED', status: 403, rule: 'closed' }])
    expect(running.program.metrics.door('http').requests.get('ACCESS_DENIED')).toBe(1)
  })

  test('is not, where its target has another way now', async () => {
    await open('--upstream', upstream())
    const { client, skip } = await kept('http://target.test/')
    using direct = await ScriptedTarget.open()
    await running.program.reload({
      ...config(),
      ...{ upstream: configOf('--upstream', `http://${direct.authority}`).upstream },
    })
    ask(client, 'http://target.test/')
    const conn = await direct.next()
    expect(await conn.take()).toBe(`GET http://target.test/ HTTP/1.1\r\nHost: target.test\r\n${VIA}\r\n`)
    conn.send(OK)
    await heard(client, 'hi', skip)
    expect(parent.conns.length).toBe(1)
  })
})
