import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer as createHttpsServer, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { type Authority, createAuthority } from '@sluice/net/testing'
import { ScriptedTarget, TestClient } from '@sluice/service/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { TestHosts } from './testing/test-hosts.ts'

const run = promisify(execFile)
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'

let folder: string
let authority: Authority
let hosts: TestHosts
let target: ScriptedTarget

/** Files of a certificate for these names. */
const files = (file: string, ...names: string[]): { certFile: string; keyFile: string } => {
  const { cert, key } = authority.issue(...names)
  const [certFile, keyFile] = [join(folder, `${file}.crt`), join(folder, `${file}.key`)]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key)
  return { certFile, keyFile }
}

/** Names of the certificate that a visitor is shown. */
const shown = async (servername: string): Promise<string> => {
  const options = { host: '127.0.0.1', port: hosts.securePort, rejectUnauthorized: false }
  const socket = connectTls({ ...options, ...(servername !== '' && { servername }) })
  await once(socket, 'secureConnect')
  const { subjectaltname = 'none' } = socket.getPeerCertificate()
  socket.destroy()
  return subjectaltname
}

const visit = async (servername: string, path = '/'): Promise<{ status: number; body: string }> => {
  const options = {
    host: '127.0.0.1',
    port: hosts.securePort,
    path,
    servername,
    ca: authority.cert,
    agent: false,
  }
  const asked = get({ ...options, headers: { host: servername } })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode!, body: Buffer.concat(await answer.toArray()).toString() }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nps-tls-'))
  authority = createAuthority()
  const { certFile, keyFile } = files('default', 'default.example')
  hosts = await TestHosts.open([], '--https', '127.0.0.1:0', '--https-cert', certFile, '--https-key', keyFile)
})
afterAll(async () => {
  await hosts[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})
beforeEach(async () => {
  target = await ScriptedTarget.open()
})
afterEach(async () => {
  await hosts.reset()
  target[Symbol.dispose]()
  if (hosts.journal.lines.join('').includes('INTERNAL')) throw new Error(hosts.journal.lines.join(''))
})

describe('a visitor over TLS', () => {
  test('gets the site of a host with the certificate of the host', async () => {
    hosts.addHost({ host: 'a.example', targets: [target.authority], ...files('a', 'a.example') })
    const visiting = visit('a.example', '/x')
    const conn = await target.next()
    expect(await conn.take()).toContain('\r\nX-Forwarded-Proto: https\r\n')
    conn.send(OK)
    expect(await visiting).toEqual({ status: 200, body: 'hello' })
  })

  test('is shown the certificate of the host that is nearest to the name', async () => {
    hosts.addHost({ host: 'b.example', ...files('b', 'b.example') })
    hosts.addHost({ host: '*.b.example', ...files('wild', '*.b.example') })
    hosts.addHost({ host: 'c.b.example' })
    expect(await shown('B.example')).toBe('DNS:b.example')
    expect(await shown('x.b.example')).toBe('DNS:*.b.example')
    expect(await shown('c.b.example')).toBe('DNS:*.b.example')
    expect(await shown('other.example')).toBe('DNS:default.example')
    expect(await shown('')).toBe('DNS:default.example')
  })

  test('is served by curl as by others', async () => {
    hosts.addHost({ host: 'a.example', targets: [target.authority], ...files('a', 'a.example') })
    const ca = join(folder, 'ca.crt')
    writeFileSync(ca, authority.cert)
    const to = `a.example:${hosts.securePort}:127.0.0.1`
    const curl = run('curl', [
      '-sS',
      '--cacert',
      ca,
      '--resolve',
      to,
      `https://a.example:${hosts.securePort}/`,
    ])
    const conn = await target.next()
    await conn.take()
    conn.send(OK)
    expect((await curl).stdout).toBe('hello')
  })

  test('is in the access log with what they asked for', async () => {
    const log = join(folder, 'access.log')
    {
      await using logged = await TestHosts.open([], '--https', '127.0.0.1:0', '--access-log', log)
      const options = { host: '127.0.0.1', port: logged.securePort, rejectUnauthorized: false, agent: false }
      const [answer] = await once(get({ ...options, path: '/x', headers: { host: 'a.example' } }), 'response')
      answer.resume()
    }
    expect(readFileSync(log, 'utf8')).toContain('"https://a.example/x"')
  })

  test.each([
    ['plain HTTP', 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'],
    ['random bytes', '\x16\x03\x01\x00\x04\x02\x00\x00\x00'],
  ])('that sends %s is told nothing', async (_, text) => {
    const visitor = await TestClient.connect(hosts.hosts.https!.address)
    visitor.send(Buffer.from(text, 'latin1'))
    expect(await visitor.rest()).toEqual(Buffer.alloc(0))
  })

  test('that comes by http may be sent here', async () => {
    hosts.addHost({ host: 'a.example', targets: [target.authority], autoHttps: true })
    const visitor = await hosts.visitor(
      'GET /x?y HTTP/1.1\r\nHost: A.example:80\r\nConnection: close\r\n\r\n',
    )
    const answer = (await visitor.lastWords()).toString()
    expect(answer).toMatch(/^HTTP\/1.1 308 /)
    expect(answer).toContain(`\r\nLocation: https://a.example:${hosts.securePort}/x?y\r\n`)
  })

  test('may be sent here by another host of that name', async () => {
    const name = 'two.example'
    hosts.addHost({ host: name, scheme: 'http', targets: ['127.0.0.1:1'], autoHttps: true })
    hosts.addHost({ host: name, scheme: 'https', targets: [target.authority], ...files('two', name) })
    const visitor = await hosts.visitor(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`)
    const location = `\r\nLocation: https://${name}:${hosts.securePort}/\r\n`
    expect(String(await visitor.lastWords())).toContain(location)
    const visiting = visit(name)
    const conn = await target.next()
    await conn.take()
    conn.send(OK)
    expect(await visiting).toEqual({ status: 200, body: 'hello' })
  })
})

describe('files of a certificate', () => {
  test('may change at any time, and those that are of no use change nothing', async () => {
    const paths = files('d', 'd.example')
    hosts.addHost({ host: 'd.example', ...paths })
    expect(await shown('d.example')).toBe('DNS:d.example')
    files('d', 'd.example', 'new.example')
    await expect.poll(() => shown('d.example'), { timeout: 20_000 }).toBe('DNS:d.example, DNS:new.example')
    writeFileSync(paths.certFile, 'nonsense')
    await expect.poll(() => hosts.lines('tls.kept').length, { timeout: 20_000 }).toBe(1)
    expect(await shown('d.example')).toBe('DNS:d.example, DNS:new.example')
  })

  test('that were never of use are tried again', async () => {
    const [certFile, keyFile] = [join(folder, 'e.crt'), join(folder, 'e.key')]
    hosts.addHost({ host: 'e.example', certFile, keyFile })
    expect(await shown('e.example')).toBe('DNS:default.example')
    expect(hosts.lines('tls.unusable')).toHaveLength(1)
    files('e', 'e.example')
    await expect.poll(() => shown('e.example'), { timeout: 20_000 }).toBe('DNS:e.example')
  })

  test('of all hosts stop the start where they are of no use', async () => {
    const { certFile } = files('f', 'f.example')
    const { keyFile } = files('g', 'g.example')
    const flags = ['--https', '127.0.0.1:0', '--https-cert', certFile, '--https-key', keyFile]
    await expect(TestHosts.open([], ...flags)).rejects.toThrow(/the key does not belong/)
    await expect(TestHosts.open([], '--https', '127.0.0.1:0', '--https-cert', certFile)).rejects.toThrow(
      /--https-key/,
    )
  })

  test('are not needed', async () => {
    await using bare = await TestHosts.open([], '--https', '127.0.0.1:0')
    const options = { host: '127.0.0.1', port: bare.securePort, rejectUnauthorized: false }
    const socket = connectTls(options)
    await once(socket, 'secureConnect')
    expect(socket.getPeerCertificate().pubkey).toBeDefined()
    socket.destroy()
  })
})

describe('TLS that goes through', () => {
  test('ends at the target, which the name leads to', async () => {
    const { cert, key } = authority.issue('p.example')
    const inner = createHttpsServer({ cert, key }, (_, answer) => answer.end('inner')).listen(0, '127.0.0.1')
    await once(inner, 'listening')
    const { port } = inner.address() as AddressInfo
    const { live, client } = hosts.addHost({
      host: 'p.example',
      targets: [`127.0.0.1:${port}`],
      passThrough: true,
    })
    expect(await visit('p.example')).toEqual({ status: 200, body: 'inner' })
    expect(live.account.flow.up).toBeGreaterThan(200)
    expect(client.account.flow).toMatchObject(live.account.flow.read())
    await expect.poll(() => live.account.connections).toBe(0)
    inner.close()
    inner.closeAllConnections()
  })

  test('is counted to the byte, from the first one on', async () => {
    const { live } = hosts.addHost({ host: 'p.example', targets: [target.authority], passThrough: true })
    const socket = connectTls({ host: '127.0.0.1', port: hosts.securePort, servername: 'p.example' })
    socket.on('error', () => {})
    const conn = await target.next()
    await conn.until(() => conn.received.length > 0)
    expect(live.account.flow.up).toBe(conn.received.length)
    socket.destroy()
  })

  test.each([
    ['nobody is there', {}, 'AGENT_OFFLINE'],
    ['the visitor may not come', { deny: ['127.0.0.1'] }, 'VISITOR_DENIED'],
    ['the quota is used up', { limits: { quotaBytes: 0 } }, 'QUOTA_EXCEEDED'],
  ])('where %s, not a byte is answered', async (_, fields, code) => {
    const client = hosts.registry.addClient()
    hosts.registry.addHost(client, {
      host: 'p.example',
      targets: ['127.0.0.1:1'],
      passThrough: true,
      ...fields,
    })
    const socket = connectTls({ host: '127.0.0.1', port: hosts.securePort, servername: 'p.example' })
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNRESET')
    await expect.poll(() => hosts.lines('session.end').at(-1)).toMatchObject({ code })
  })

  test('does not let in by what another name has agreed on', async () => {
    hosts.addHost({ host: 'p.example', targets: [target.authority], passThrough: true })
    hosts.addHost({ host: 'a.example', targets: [target.authority], ...files('a', 'a.example') })
    const options = { host: '127.0.0.1', port: hosts.securePort, servername: 'a.example', ca: authority.cert }
    const [answer] = await once(get({ ...options, headers: { host: 'p.example' }, agent: false }), 'response')
    expect(answer).toMatchObject({ statusCode: 404 })
    answer.resume()
  })
})
