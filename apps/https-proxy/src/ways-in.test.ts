import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectH2, type ClientHttp2Session } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '@sluice/net/testing'
import { TestClient } from '@sluice/service/testing'
import { type Address, formatAddress } from '@sluice/wire'
import { describe, it } from 'vitest'
import { CompatPeer } from './compat/testing/compat-peer.ts'
import { openCollector } from './testing/collector.ts'
import { configOf, openOrigin, openTestDoor, type TestDoor } from './testing/test-door.ts'

const ADA = { name: 'ada', password: 'secret' }
const BASIC = `Basic ${Buffer.from('ada:secret').toString('base64')}`
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`

/** Asks the API for a GET of `url`. */
const askApi = (door: Address, url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://${formatAddress(door)}/v1/requests`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ url }),
  })

const bodyOf = async (response: Response): Promise<string> => {
  const { body } = (await response.json()) as { body: string }
  return Buffer.from(body, 'base64').toString()
}

/** Asks as one asks a proxy. */
const forward = async (door: Address, url: string, fields = ''): Promise<string> => {
  const client = await TestClient.connect(door)
  client.send(Buffer.from(`GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields}\r\n`))
  return (await client.lastWords()).toString()
}

const statusOf = async (session: ClientHttp2Session, headers: Record<string, string>): Promise<unknown> => {
  const stream = session.request({ ':path': '/v1/queue', ...headers })
  const [{ ':status': status }] = (await once(stream, 'response')) as [Record<string, unknown>]
  stream.resume()
  return status
}

describe.concurrent('the ways in', () => {
  it('lead to the same origins, and to the same users', async ({ expect }) => {
    await using origin = await openOrigin((_request, response) => response.end('hello'))
    await using test = await openTestDoor([ADA])
    const { proxy } = test.door
    const url = `http://${formatAddress(origin)}/`
    expect((await askApi(proxy, url)).status).toBe(401)
    expect(await bodyOf(await askApi(proxy, url, { Authorization: BASIC }))).toBe('hello')
    expect(await forward(proxy, url, `Proxy-Authorization: ${BASIC}\r\n`)).toMatch(/^HTTP\/1.1 200 .*hello$/s)
    const tunnel = await TestClient.connect(proxy)
    tunnel.send(
      Buffer.from(
        `CONNECT ${formatAddress(origin)} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${BASIC}\r\n\r\n`,
      ),
    )
    await tunnel.take('HTTP/1.1 200 '.length)
    tunnel.send(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
    expect((await tunnel.lastWords()).toString()).toMatch(/Sluice-Request-Id: \S+\r\n.*hello$/s)
    await expect.poll(() => test.door.report()).toMatchObject({ total_requests: 3, total_success: 3 })
    expect(test.door.report()).toMatchObject({ active_workers: 0, error_types: {} })
  })

  it('are there over TLS too, with HTTP/2', async ({ expect }) => {
    const folder = mkdtempSync(join(tmpdir(), 'https-proxy-tls-'))
    const authority = createAuthority()
    const { cert, key } = authority.issue('localhost')
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
    const flags = ['--tls', '127.0.0.1:0', '--tls-cert', certFile, '--tls-key', keyFile]
    await using test = await openTestDoor([ADA], ...flags)
    const { port } = test.door.tls!
    const session = connectH2(`https://localhost:${port}`, { ca: authority.cert })
    await once(session, 'connect')
    expect(session.alpnProtocol).toBe('h2')
    expect(await statusOf(session, { authorization: BASIC })).toBe(200)
    const plain = connectH2(`http://${formatAddress(test.door.proxy)}`)
    expect(await statusOf(plain, { authorization: BASIC })).toBe(200)
    for (const client of [session, plain]) client.destroy()
    await expect.poll(() => test.program.sessions.size).toBe(0)
    rmSync(folder, { recursive: true })
  })

  it('are there for clients of the original, as guests or as one user', async ({ expect }) => {
    await using origin = await openOrigin((_request, response) => response.end('hello'))
    const url = `http://${formatAddress(origin)}/`
    const ask = async (door: Address): Promise<number | undefined> => {
      const peer = await CompatPeer.connect(door)
      peer.ask({ url, headers: {} })
      return (await peer.reply())?.status_code
    }
    const compat = ['--compat', '127.0.0.1:0']
    await using open = await openTestDoor([], ...compat)
    expect(await ask(open.door.compat!)).toBe(200)
    await using known = await openTestDoor([ADA], ...compat)
    expect(await ask(known.door.compat!)).not.toBe(200)
    await known.program.reload(configOf(...compat, '--compat-user', 'ada'))
    expect(await ask(known.door.compat!)).toBe(200)
  })

  it('tell of each request what it is called, and how long it waited', async ({ expect }) => {
    await using origin = await openOrigin((_request, response) => response.end('hello'))
    const url = `http://${formatAddress(origin)}/`
    const askAll = async ({ door }: TestDoor, id: string): Promise<void> => {
      await askApi(door.proxy, url, { 'Sluice-Request-Id': id })
      await forward(door.proxy, url)
      const peer = await CompatPeer.connect(door.compat!)
      peer.ask({ url, headers: {} })
      await peer.reply()
    }
    await using test = await openTestDoor([], '--compat', '127.0.0.1:0')
    await askAll(test, 'mine')
    const ended = (): object[] =>
      test.journal.lines
        .map((line) => JSON.parse(line) as { msg: string })
        .filter(({ msg }) => msg === 'request.end')
    await expect.poll(ended).toHaveLength(3)
    const named = { id: expect.any(String) as string, waitedMs: expect.any(Number) as number }
    expect(ended()).toMatchObject([{ ...named, id: 'mine' }, named, named])
    const folder = mkdtempSync(join(tmpdir(), 'https-proxy-log-'))
    const path = join(folder, 'access.log')
    await using logged = await openTestDoor([], '--compat', '127.0.0.1:0', '--access-log', path)
    await askAll(logged, 'mine')
    await expect.poll(() => readFileSync(path, 'utf8').match(/"id":"[^"]+"/g)).toHaveLength(3)
    expect(readFileSync(path, 'utf8')).toContain('"id":"mine"')
    rmSync(folder, { recursive: true })
  })

  it('share one queue, whose limits change while it runs', async ({ expect }) => {
    const answers: (() => void)[] = []
    await using origin = await openOrigin((_request, response) => void answers.push(() => response.end()))
    await using test = await openTestDoor([], '--slots', '1', '--queue', '1')
    const { proxy } = test.door
    const url = `http://${formatAddress(origin)}/`
    const first = forward(proxy, url)
    await expect.poll(() => answers.length).toBe(1)
    const second = askApi(proxy, url)
    await expect.poll(() => test.door.report().queue_size).toBe(1)
    const third = await forward(proxy, url)
    expect(third).toMatch(/^HTTP\/1.1 503 .*Sluice-Code: QUEUE_FULL\r\n.*Retry-After: \d+\r\n/s)
    await test.program.reload(configOf('--slots', '2', '--queue', '1'))
    await expect.poll(() => answers.length).toBe(2)
    for (const answer of answers) answer()
    expect(await first).toMatch(/^HTTP\/1.1 200 /)
    expect((await second).status).toBe(200)
    await expect
      .poll(() => test.door.report())
      .toMatchObject({
        ...{ total_requests: 3, total_success: 2, total_rejected: 1, active_workers: 0, max_workers: 2 },
        error_types: { QUEUE_FULL: 1 },
      })
  })

  it('tell what they do: at the ops port, in the log and in traces', async ({ expect }) => {
    const parents: unknown[] = []
    await using origin = await openOrigin((request, response) => {
      parents.push(request.headers['traceparent'])
      response.end()
    })
    using collector = await openCollector()
    const test = await openTestDoor([], '--otlp', collector.url.href, '--stats-interval', '1')
    const url = `http://${formatAddress(origin)}/path?secret=1`
    await forward(test.door.proxy, url, `traceparent: ${PARENT}\r\n`)
    await (await askApi(test.door.proxy, url, { traceparent: PARENT })).text()
    await forward(test.door.proxy, 'http://127.0.0.1:1/')
    const ops = `http://${formatAddress(test.ops)}`
    await expect
      .poll(async () => (await fetch(`${ops}/status`)).json())
      .toMatchObject({
        ...{ total_requests: 3, total_success: 2, error_types: { DIAL_REFUSED: 1 } },
        ...{ total_connections: 3, queue_size: 0, max_workers: 100 },
      })
    const metrics = await (await fetch(`${ops}/metrics`)).text()
    for (const line of [
      'sluice_request_wait_seconds_count{door="proxy"} 3',
      'sluice_request_service_seconds_count{door="proxy"} 3',
      'sluice_request_seconds_count{door="proxy"} 3',
    ]) {
      expect(metrics).toContain(line)
    }
    await expect.poll(() => test.journal.lines.some((line) => line.includes('"msg":"stats"'))).toBe(true)
    await test[Symbol.asyncDispose]()
    const spans = collector.spans()
    expect(spans.map(({ name, traceId }) => [name, traceId === TRACE])).toEqual([
      ['GET', true],
      ['GET', true],
      ['GET', false],
    ])
    expect(parents).toEqual(spans.slice(0, 2).map(({ spanId }) => `00-${TRACE}-${spanId}-01`))
    expect(spans[2]).toMatchObject({ status: { code: 2, message: 'DIAL_REFUSED' } })
    expect(JSON.stringify(collector.sent)).not.toContain('secret')
  })
})
