import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startOps } from './ops.ts'
import type { Ops } from './ops.ts'

describe('startOps', () => {
  let ops: Ops
  let url: string
  let state: true | string
  let metrics: () => Promise<string>
  let errors: unknown[]

  beforeEach(async () => {
    state = true
    errors = []
    metrics = async () => 'sluice_info 1\n'
    ops = await startOps({
      host: '127.0.0.1',
      port: 0,
      registry: { contentType: 'text/plain; version=0.0.4; charset=utf-8', metrics: () => metrics() },
      ready: () => state,
      users: () => ({ users: [] }),
      log: { error: (...args: unknown[]) => void errors.push(args) },
    })
    url = `http://${ops.address.host}:${ops.address.port}`
  })

  afterEach(() => ops.close())

  it('tells the port that it took', () => {
    expect(ops.address.host).toBe('127.0.0.1')
    expect(ops.address.port).toBeGreaterThan(0)
  })

  it('is alive, ready or not', async () => {
    state = 'draining'
    const response = await fetch(`${url}/healthz`)
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
  })

  it('is ready as long as it says so', async () => {
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }])
    state = 'draining'
    const draining = await fetch(`${url}/readyz`)
    expect([draining.status, await draining.json()]).toEqual([
      503,
      { status: 'not ready', reason: 'draining' },
    ])
  })

  it('serves the metrics as they are now', async () => {
    const response = await fetch(`${url}/metrics?x=1`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toBe('sluice_info 1\n')
    metrics = async () => 'sluice_info 2\n'
    expect(await (await fetch(`${url}/metrics`)).text()).toBe('sluice_info 2\n')
  })

  it('answers HEAD, is not cached, and does not say what it runs on', async () => {
    const response = await fetch(`${url}/metrics`, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('server')).toBeNull()
    expect(response.headers.get('x-powered-by')).toBeNull()
  })

  it.each(['POST', 'DELETE', 'PUT', 'OPTIONS'])('allows no %s', async (method) => {
    const response = await fetch(`${url}/readyz`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await response.json()).toMatchObject({ error: { code: 'METHOD_NOT_ALLOWED' } })
  })

  it.each(['/', '/metrics/', '/healthz/x', '/%2e%2e/etc/passwd', '//healthz'])(
    'knows no %s',
    async (path) => {
      const response = await fetch(url + path)
      expect(response.status).toBe(404)
      expect(await response.json()).toMatchObject({ error: { code: 'NOT_FOUND' } })
    },
  )

  it('keeps what went wrong in the log', async () => {
    metrics = () => Promise.reject(new Error('secret detail'))
    const response = await fetch(`${url}/metrics`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret detail')
    expect(errors).toEqual([[{ err: new Error('secret detail') }, 'ops.failed']])
  })

  it.each([
    ['a large body', 'POST /readyz HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n', 4],
    ['a large head', `GET /readyz HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['random bytes', '\u0005\u0001\u0000nonsense\r\n\r\n', 400],
    ['a bad escape', 'GET /%ff HTTP/1.1\r\nhost: x\r\n\r\n', 4],
  ])('refuses %s', async (_name, request, status) => {
    const socket = connect(ops.address.port, ops.address.host)
    socket.end(request)
    expect(await text(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`))
    expect(errors).toEqual([])
  })

  it('ends idle connections when it closes', async () => {
    const socket = connect(ops.address.port, ops.address.host)
    await once(socket, 'connect')
    const closed = once(socket, 'close')
    await ops.close()
    socket.resume()
    await closed
    await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
  })

  it.each([
    ['127.0.0.1', {}, 200],
    ['127.0.0.1', { host: 'localhost:9102' }, 200],
    ['127.0.0.1', { host: '[::1]:9102' }, 200],
    ['127.0.0.1', { host: 'rebound.example' }, 403],
    ['127.0.0.1', { host: '192.0.2.1' }, 403],
    ['0.0.0.0', {}, 403],
    ['::', {}, 403],
  ])('on %s tells %o of its users: %i', async (host, headers, status) => {
    const registry = { contentType: 'text/plain', metrics: async () => '' }
    const users = (): object => ({ users: ['ada'] })
    const log = { error: () => {} }
    const other = await startOps({ host, port: 0, registry, ready: () => true, users, log })
    const { port } = other.address
    const answer = await new Promise<IncomingMessage>((resolve) =>
      get({ port, host: '127.0.0.1', path: '/v1/users', headers }, resolve),
    )
    const body = await text(answer)
    expect([answer.statusCode, body.includes('ada')]).toEqual([status, status === 200])
    await other.close()
  })

  it('serves what a door adds, within the same bounds, and says which methods it takes', async () => {
    const other = await startOps({
      host: '127.0.0.1',
      port: 0,
      registry: { contentType: 'text/plain', metrics: async () => '' },
      ready: () => true,
      users: () => ({}),
      routes: [
        (app) => {
          app.get('/lists/:token', ({ params }) => params)
          app.post('/users', { bodyLimit: 4096 }, ({ body }) => body)
        },
        (app) => {
          app.delete('/users', () => ({}))
          void app.register(
            async (part) => {
              part.setErrorHandler((_error, _request, reply) => reply.code(400).send({ error: 'no' }))
              part.put('/x', () => ({}))
            },
            { prefix: '/v9' },
          )
          app.get('/bug', () => Promise.reject(new Error('secret detail')))
        },
      ],
      log: { error: (...args: unknown[]) => void errors.push(args) },
    })
    const base = `http://127.0.0.1:${other.address.port}`
    const json = { 'content-type': 'application/json' }
    const ask = async (method: string, path: string, body?: string): Promise<unknown[]> => {
      const response = await fetch(base + path, { method, ...(body && { body, headers: json }) })
      const { error } = (await response.json()) as { error?: { code?: string } | string }
      const told = typeof error === 'object' ? error.code : error
      return [response.status, response.headers.get('allow'), told]
    }
    expect(await ask('GET', '/lists/abc')).toEqual([200, null, undefined])
    expect(await ask('POST', '/lists/abc')).toEqual([405, 'GET, HEAD', 'METHOD_NOT_ALLOWED'])
    expect(await ask('POST', '/users', JSON.stringify({ name: 'x'.repeat(2000) }))).toEqual([
      200,
      null,
      undefined,
    ])
    expect((await ask('POST', '/users', JSON.stringify({ name: 'x'.repeat(5000) })))[0]).toBe(413)
    expect(await ask('GET', '/users')).toEqual([405, 'DELETE, POST', 'METHOD_NOT_ALLOWED'])
    expect(await ask('GET', '/v9/x')).toEqual([405, 'PUT', 'METHOD_NOT_ALLOWED'])
    expect(await ask('PUT', '/v9/x', '{')).toEqual([400, null, 'no'])
    expect(await ask('GET', '/lists')).toEqual([404, null, 'NOT_FOUND'])
    expect(await ask('POST', '/metrics')).toEqual([405, 'GET, HEAD', 'METHOD_NOT_ALLOWED'])
    expect(await ask('GET', '/bug')).toEqual([500, null, 'INTERNAL'])
    expect(errors).toEqual([[{ err: new Error('secret detail') }, 'ops.failed']])
    await other.close()
  })

  it('does not tell strangers what a door adds', async () => {
    expect(await (await fetch(`${url}/`)).text()).toContain('try /healthz, /readyz, /metrics, /v1/users')
  })

  it('says why it cannot listen', async () => {
    const registry = { contentType: 'text/plain', metrics: async () => '' }
    const again = startOps({
      ...ops.address,
      registry,
      ready: () => true,
      users: () => ({}),
      log: { error: () => undefined },
    })
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
