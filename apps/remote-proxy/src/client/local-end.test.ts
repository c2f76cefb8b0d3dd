import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '@sluice/net/testing'
import { createLog } from '@sluice/service'
import { Journal, TestClient } from '@sluice/service/testing'
import {
  COMMAND,
  decodeReply,
  decodeResponseHead,
  encodeGreeting,
  encodeReply,
  encodeRequest,
  formatAddress,
  METHOD,
} from '@sluice/wire'
import { afterAll, describe, expect, test } from 'vitest'
import { echo, openOrigin, openTestProgram, pour, type TestProgram } from '../testing/test-program.ts'
import { loadLocalConfig, serverAccess } from './local-config.ts'
import { LocalEnd } from './local-end.ts'

const ADA = { name: 'ada', password: 'right-horse' }
const authority = createAuthority()
const folder = mkdtempSync(join(tmpdir(), 'remote-proxy-local-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const { cert, key } = authority.issue('localhost')
const CA = file('ca.crt', authority.cert)
const SERVER_TLS = ['--tls', '127.0.0.1:0', '--tls-cert', file('cert', cert), '--tls-key', file('key', key)]

const openServer = (): Promise<TestProgram> => openTestProgram([ADA], '--allow', '127.0.0.0/8', ...SERVER_TLS)

/** The local end of a server, and its log. */
class Local implements AsyncDisposable {
  readonly end: LocalEnd
  readonly journal: Journal

  static async open(server: string, password: string, ...flags: string[]): Promise<Local> {
    const journal = new Journal()
    const argv = [
      '--server',
      server,
      '--user',
      'ada',
      '--password-stdin',
      '--listen',
      '127.0.0.1:0',
      ...flags,
    ]
    const config = loadLocalConfig(argv, {})
    const access = serverAccess(config, Buffer.from(password))
    const log = createLog({ level: 'info', sink: journal })
    return new Local(await LocalEnd.start({ config, access, log, version: '0' }), journal)
  }

  private constructor(end: LocalEnd, journal: Journal) {
    this.end = end
    this.journal = journal
  }

  /** The ways to reach `proxy` from here. */
  static to(proxy: TestProgram, way: Way, password = ADA.password, ...flags: string[]): Promise<Local> {
    const { socks, tls } = proxy.door
    if (way === 'line') return Local.open(formatAddress(socks), password, ...flags)
    const secure = ['--tls', '--tls-ca', CA, '--tls-name', 'localhost']
    return Local.open(formatAddress(tls!), password, ...secure, ...flags)
  }

  client(): Promise<TestClient> {
    return TestClient.connect(this.end.address, { half: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end.hurry()
    await this.end.stop()
  }
}

type Way = 'line' | 'tls'
interface Target {
  readonly host: string
  readonly port: number
}

const NOWHERE = { host: '0.0.0.0', port: 0 }
const socks5 = (address: Target, command: number = COMMAND.CONNECT): Buffer =>
  Buffer.concat([
    encodeGreeting({ methods: Uint8Array.of(METHOD.NONE) }),
    encodeRequest({ command, address }),
  ])
const connect = (target: Target, method = 'CONNECT'): Buffer =>
  Buffer.from(`${method} ${formatAddress(target)} HTTP/1.1\r\nHost: ${formatAddress(target)}\r\n\r\n`)

/** All that a client hears that sends `bytes` and ends. */
const exchange = async (local: Local, ...bytes: Uint8Array[]): Promise<Buffer> => {
  const client = await local.client()
  client.send(Buffer.concat(bytes))
  client.finish()
  return client.lastWords()
}

/** What SOCKS5 said after the method. */
const replyOf = (answer: Buffer): number => decodeReply(answer.subarray(2))!.value.reply
const httpOf = (answer: Buffer): { status: number; body: string } => {
  const { value, size } = decodeResponseHead(answer)!
  return { status: value.status, body: answer.subarray(size).toString() }
}

describe.each(['line', 'tls'] as const)('the server reached by %s', (way) => {
  const payload = Buffer.alloc(1_000_000, 'sluice')

  test.each([
    ['SOCKS5', socks5],
    ['HTTP', connect],
  ])('%s without a password reaches targets, half-closes and early data included', async (_, words) => {
    await using proxy = await openServer()
    using origin = await openOrigin(echo)
    await using local = await Local.to(proxy, way)
    const answer = await exchange(local, words(origin), payload)
    expect(answer.subarray(-payload.length).equals(payload)).toBe(true)
    expect(await proxy.journal.end({ nth: 0 })).toMatchObject({ code: 'OK', user: 'ada', up: payload.length })
    expect(await local.journal.end({ nth: 0 })).toMatchObject({ code: 'OK' })
    expect(local.journal.lines.join('')).not.toContain('horse')
  })

  test('the server’s refusals are passed on', async () => {
    await using proxy = await openServer()
    const closed = await openOrigin(echo)
    closed[Symbol.dispose]()
    await using local = await Local.to(proxy, way)
    expect(replyOf(await exchange(local, socks5({ host: '10.0.0.1', port: 1 })))).toBe(2)
    expect(replyOf(await exchange(local, socks5(closed)))).toBe(5)
    const denied = httpOf(await exchange(local, connect({ host: '10.0.0.1', port: 1 })))
    expect(denied).toMatchObject({ status: 403, body: expect.stringMatching(/not allow/) })
    expect(httpOf(await exchange(local, connect(closed))).status).toBe(502)
  })

  test('a wrong password is told as such', async () => {
    await using proxy = await openServer()
    await using local = await Local.to(proxy, way, 'wrong-horse')
    const target = { host: '10.0.0.1', port: 1 }
    const words = await exchange(local, socks5(target))
    const { status, body } = httpOf(await exchange(local, connect(target)))
    if (way === 'line') {
      // The server's own words.
      expect([words, status]).toEqual([Buffer.of(5, 0xff), 407])
      return
    }
    expect(words).toEqual(Buffer.from([5, 0, ...encodeReply(2, NOWHERE)]))
    expect([status, body]).toEqual([502, 'the server refused the user name or the password\n'])
    expect((await local.journal.end({ nth: 0 })).code).toBe('AUTH_FAILED')
  })

  test('a client that leaves takes its connection to the server along', async () => {
    await using proxy = await openServer()
    using origin = await openOrigin(pour)
    await using local = await Local.to(proxy, way)
    const client = await local.client()
    client.send(socks5(origin))
    await client.take(100_000)
    client.reset()
    expect((await proxy.journal.end({ nth: 0 })).code).toBe('CLIENT_RESET')
    expect((await local.journal.end({ nth: 0 })).code).toBe('CLIENT_RESET')
  })

  test('one protocol only, where that is wanted', async () => {
    await using proxy = await openServer()
    using origin = await openOrigin(echo)
    await using local = await Local.to(proxy, way, ADA.password, '--proto', 'http')
    expect((await exchange(local, socks5(origin))).length).toBe(0)
    expect(httpOf(await exchange(local, connect(origin))).status).toBe(200)
    expect((await local.journal.end({ nth: 0 })).code).toBe('PROTOCOL_UNSUPPORTED')
  })

  test('stops at once where clients only wait', async () => {
    await using proxy = await openServer()
    const local = await Local.to(proxy, way)
    const client = await local.client()
    await local.end.stop()
    await client.rest()
    expect((await local.journal.end({ nth: 0 })).code).toBe('SHUTDOWN')
  })
})

describe('over TLS', () => {
  test('what it cannot pass on it refuses itself', async () => {
    await using proxy = await openServer()
    await using local = await Local.to(proxy, 'tls')
    const target = { host: 'example.com', port: 80 }
    expect(replyOf(await exchange(local, socks5(target, COMMAND.BIND)))).toBe(7)
    expect(httpOf(await exchange(local, connect(target, 'GET'))).status).toBe(405)
    expect(httpOf(await exchange(local, Buffer.from('CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n'))).status).toBe(
      400,
    )
    const login = encodeGreeting({ methods: Uint8Array.of(METHOD.USER_PASS) })
    expect(await exchange(local, login)).toEqual(Buffer.of(5, 0xff))
  })

  test('a server whose certificate is for somebody else gets no password', async () => {
    await using proxy = await openServer()
    const flags = ['--tls', '--tls-ca', CA, '--tls-name', 'example.org']
    await using local = await Local.open(formatAddress(proxy.door.tls!), ADA.password, ...flags)
    const { status, body } = httpOf(await exchange(local, connect({ host: 'example.com', port: 80 })))
    expect([status, body]).toEqual([502, expect.stringContaining('is not in the cert')])
    expect((await local.journal.end({ nth: 0 })).code).toBe('TLS_FAILED')
  })

  test('a server that is none is no answer', async () => {
    using mute = await openOrigin((socket) => socket.end())
    const flags = ['--tls', '--tls-ca', CA]
    await using local = await Local.open(formatAddress(mute), ADA.password, ...flags)
    expect(replyOf(await exchange(local, socks5({ host: 'example.com', port: 80 })))).toBe(1)
  })
})

test('a server that is away: told to the client, and once to the log', async () => {
  const gone = await openOrigin(echo)
  gone[Symbol.dispose]()
  await using local = await Local.open(formatAddress(gone), 'x')
  const target = { host: 'example.com', port: 80 }
  const [socks, http] = await Promise.all([
    exchange(local, socks5(target)),
    exchange(local, Buffer.from('GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n')),
  ])
  expect(replyOf(socks)).toBe(1)
  expect(httpOf(http)).toEqual({
    status: 502,
    body: expect.stringContaining(`the server cannot be reached: ${formatAddress(gone)}`),
  })
  expect(local.journal.lines.filter((line) => line.includes('"server.away"')).length).toBe(1)
})

test('an ops port on demand', async () => {
  await using local = await Local.open('127.0.0.1:9', 'x', '--ops', '127.0.0.1:0')
  const line = local.journal.lines.find((each) => each.includes('"ops"'))!
  const { port } = JSON.parse(line) as { port: number }
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('door="local"')
})
