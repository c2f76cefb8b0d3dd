import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectSecurely } from 'node:tls'
import { createAuthority } from '@sluice/net/testing'
import { TestClient } from '@sluice/service/testing'
import { decodeProxyHeader, encodeProxyHeader, type ProxyHeader } from '@sluice/wire'
import { describe, expect, test } from 'vitest'
import { DIALECTS } from './testing/dialects.ts'
import { echo, openOrigin, openTestProgram, type TestProgram } from './testing/test-program.ts'

const ADA = { name: 'ada', password: 'right-horse' }
const [SOCKS5] = DIALECTS
const NOWHERE = { host: '10.0.0.1', port: 1 }
const request = (target = NOWHERE): Buffer => Buffer.concat(SOCKS5!.messages(target, ADA))

const header = (host: string, version: 1 | 2 = 2): Uint8Array => {
  const source = { host, port: 5555 }
  const endpoints = { family: 'INET', transport: 'STREAM', source, destination: source } as const
  return encodeProxyHeader({ version, command: 'PROXY', endpoints, tlvs: [] })
}
const LOCAL: ProxyHeader = { version: 2, command: 'LOCAL', endpoints: undefined, tlvs: [] }

const open = (...flags: string[]): Promise<TestProgram> =>
  openTestProgram([ADA], '--allow', '127.0.0.0/8', '--proxy-protocol', '127.0.0.1', ...flags)

describe('a balancer in front', () => {
  test.each([1, 2] as const)('tells by version %i who the client is', async (version) => {
    await using proxy = await open()
    using origin = await openOrigin(echo)
    for (const door of ['socks', 'http'] as const) {
      const client = await TestClient.connect(proxy.door[door], { half: true })
      client.send(Buffer.concat([header('203.0.113.9', version), request(origin), Buffer.from('payload')]))
      client.finish()
      expect((await client.lastWords()).subarray(-7).toString()).toBe('payload')
      const end = await proxy.journal.end({ nth: door === 'socks' ? 0 : 1 })
      expect(end).toMatchObject({ code: 'OK', client: '203.0.113.9:5555', up: 7, down: 7 })
    }
  })

  test('does not answer for the failed sign-ins of its clients', async () => {
    await using proxy = await open('--auth-failures', '1')
    const wrong = Buffer.concat(SOCKS5!.messages(NOWHERE, { ...ADA, password: 'wrong' }))
    const codes: unknown[] = []
    for (const host of ['203.0.113.9', '203.0.113.9', '203.0.113.10']) {
      const client = await TestClient.connect(proxy.door.socks)
      client.send(Buffer.concat([header(host), wrong]))
      await client.lastWords()
      codes.push((await proxy.journal.end({ nth: codes.length })).code)
    }
    expect(codes).toEqual(['AUTH_FAILED', 'AUTH_LIMIT', 'AUTH_FAILED'])
  })

  test('may send it byte by byte, and is the client itself where it says so', async () => {
    await using proxy = await open()
    const client = await TestClient.connect(proxy.door.socks)
    await client.drip(encodeProxyHeader(LOCAL))
    client.send(request())
    await client.lastWords()
    expect((await proxy.journal.end(client)).code).toBe('TARGET_DENIED')
  })

  test('says it before TLS', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'proxy-protocol-'))
    const authority = createAuthority()
    const { cert, key } = authority.issue('localhost')
    const [certFile, keyFile] = [join(folder, 'cert'), join(folder, 'key')]
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
    await using proxy = await open('--tls', '127.0.0.1:0', '--tls-cert', certFile, '--tls-key', keyFile)
    const socket = connect(proxy.door.tls!)
    // In one segment with the first bytes of TLS, as a balancer may well do it.
    socket.cork()
    socket.write(header('203.0.113.9'))
    const client = connectSecurely({ socket, servername: 'localhost', ca: authority.cert })
    client.write(request())
    setImmediate(() => socket.uncork())
    client.on('error', () => {}).resume()
    expect(await proxy.journal.end({ nth: 0 })).toMatchObject({
      code: 'TARGET_DENIED',
      client: '203.0.113.9:5555',
    })
    client.destroy()
    rmSync(folder, { recursive: true })
  })

  test.each([
    ['another protocol', 'GET / HTTP/1.1\r\n\r\n', 'PROXY_HEADER_INVALID'],
    ['SOCKS5', '\x05\x01\x02', 'PROXY_HEADER_INVALID'],
    ['an end', '', 'CLIENT_CLOSED'],
  ])('is refused with %s instead', async (_, bytes, code) => {
    await using proxy = await open()
    const client = await TestClient.connect(proxy.door.socks)
    client.send(Buffer.from(bytes, 'latin1'))
    if (bytes === '') client.finish()
    expect((await client.rest()).length).toBe(0)
    expect((await proxy.journal.end(client)).code).toBe(code)
  })

  test('has as long as any handshake', async () => {
    await using proxy = await open('--handshake-timeout', '100ms')
    const client = await TestClient.connect(proxy.door.socks)
    client.send(header('203.0.113.9').subarray(0, 20))
    await client.rest()
    expect((await proxy.journal.end(client)).code).toBe('HANDSHAKE_TIMEOUT')
  })

  test('is not bounded by what its clients are bounded by', async () => {
    await using proxy = await open('--unauthenticated-per-ip', '1')
    const silent: TestClient[] = []
    for (const host of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
      const client = await TestClient.connect(proxy.door.socks)
      client.send(Buffer.concat([header(host), Buffer.of(5, 1, 2)]))
      expect(await client.take(2)).toEqual(Buffer.of(5, 2))
      silent.push(client)
    }
    const second = await TestClient.connect(proxy.door.socks)
    second.send(Buffer.concat([header('203.0.113.2'), Buffer.of(5, 1, 2)]))
    expect((await second.rest()).length).toBe(0)
    expect(await proxy.journal.end({ nth: 0 })).toMatchObject({
      code: 'UNAUTHENTICATED_LIMIT',
      client: '203.0.113.2:5555',
    })
    for (const client of silent) client.close()
  })
})

test('from anybody else a PROXY header is no more than a wrong first byte', async () => {
  await using proxy = await open()
  const client = await TestClient.connect(proxy.door.socks, { from: '127.0.0.2' })
  client.send(Buffer.concat([header('203.0.113.9', 2), request()]))
  await client.rest()
  expect(await proxy.journal.end(client)).toMatchObject({
    code: 'PROTOCOL_UNSUPPORTED',
    client: expect.stringMatching(/^127\.0\.0\.2:/),
  })
})

test('a target that is told the client gets it first of all', async () => {
  await using proxy = await open('--send-proxy', 'v2', '--send-proxy-to', '127.0.0.1')
  using origin = await openOrigin(echo)
  const client = await TestClient.connect(proxy.door.socks, { half: true })
  client.send(Buffer.concat([header('203.0.113.9'), request(origin), Buffer.from('payload')]))
  client.finish()
  const echoed = (await client.lastWords()).subarray(SOCKS5!.agreed.length + SOCKS5!.accepted(origin).length)
  const { value, size } = decodeProxyHeader(echoed)!
  expect(value.endpoints).toMatchObject({
    source: { host: '203.0.113.9', port: 5555 },
    destination: { host: '127.0.0.1', port: origin.port },
  })
  expect(echoed.subarray(size).toString()).toBe('payload')
  expect(await proxy.journal.end({ nth: 0 })).toMatchObject({ up: 7, down: 7 + size })
})

test('settings that lack their other half', async () => {
  await expect(open('--send-proxy', 'v1')).rejects.toMatchObject({ name: 'ConfigError' })
})
