import { request } from 'node:http'
import { Shaper } from '@sluice/ratelimit'
import { expect, test } from 'vitest'
import { LiveTunnel } from '../registry.ts'
import { liveClient, openTestApi } from './testing/test-api.ts'

interface Made {
  readonly id: number
  readonly token: string
  readonly vkey: string
}

test('a client is made, told with its secrets once, changed and removed', async () => {
  await using api = await openTestApi()
  const made = await api.ask<Made>('POST /v1/clients', {
    remark: 'home',
    limits: { total: 1024 },
    user: 'alice',
  })
  expect(made.status).toBe(201)
  const { id } = made.body
  expect(made.headers.get('location')).toBe(`/v1/clients/${id}`)
  const about = {
    ...{
      id,
      remark: 'home',
      enabled: true,
      limits: { total: 1024 },
      createdAt: expect.any(Number) as number,
    },
    ...{ crypt: false, compress: false, selection: 'primary', mayConfigure: false },
    ...{ userId: 'id of alice', user: 'alice', hasVkey: true, hasKey: true },
    ...{ online: false, connections: 0, programs: [] },
  }
  expect(made.body).toEqual({
    ...{ ...about, flow: { inlet: 0, export: 0 } },
    ...{ vkey: expect.stringMatching(/^[\da-f]{32}$/) as string, enroll: 'enrolment' },
  })
  api.store.book([{ kind: 'client', id, inlet: 5, export: 2 ** 40 }], Date.now())
  const shown = { ...about, flow: { inlet: 5, export: 2 ** 40 } }
  expect((await api.ask(`GET /v1/clients/${id}`)).body).toEqual(shown)
  expect((await api.ask('GET /v1/clients')).body).toEqual({ items: [shown], next: null })

  const patch = { remark: 'away', maxTunnels: 3, user: null, limits: { total: null, up: 10 } }
  expect(await api.ask(`PATCH /v1/clients/${id}`, patch)).toMatchObject({
    status: 200,
    body: { remark: 'away', maxTunnels: 3, limits: { up: 10 } },
  })
  expect(api.store.client(id)).not.toHaveProperty('userId')
  expect((await api.ask(`POST /v1/clients/${id}/flow/reset`)).status).toBe(204)
  expect((await api.ask(`GET /v1/clients/${id}`)).body).toMatchObject({ flow: { inlet: 0, export: 0 } })
  expect((await api.ask(`DELETE /v1/clients/${id}`)).status).toBe(204)
  const gone = await api.ask(`GET /v1/clients/${id}`)
  expect(gone).toMatchObject({
    status: 404,
    body: { code: 'RECORD_UNKNOWN', status: 404, title: 'Not Found' },
  })
  expect(gone.headers.get('content-type')).toContain('application/problem+json')
  const { body } = await api.ask<{ items: object[] }>('GET /v1/audit')
  expect(body.items).toMatchObject([
    { action: 'client.remove', by: 'token:1', id },
    { action: 'client.reset-flow', before: { inlet: 5, export: 2 ** 40 } },
    { action: 'client.set', before: { remark: 'home' }, after: { remark: 'away' } },
    { action: 'client.add', after: { remark: 'home', vkeyHash: '***' } },
    { action: 'token.add', by: 'start' },
  ])
})

test('a new key is told once', async () => {
  await using api = await openTestApi()
  const { body } = await api.ask<Made>('POST /v1/clients', {})
  const key = await api.ask(`POST /v1/clients/${body.id}/key`)
  expect(key).toMatchObject({ status: 200, body: { id: body.id, enroll: 'enrolment' } })
  expect((key.body as Made).vkey).not.toBe(body.vkey)
  expect((await api.ask('POST /v1/clients/99/key')).status).toBe(404)
})

test('no hash and no password is shown of anything', async () => {
  await using api = await openTestApi()
  const login = { name: 'visitor', password: 'never-shown' }
  const { body: client } = await api.ask<Made>('POST /v1/clients', { login, webLogin: login })
  const tunnel = { clientId: client.id, mode: 'socks5', port: 1080, logins: [login] }
  expect((await api.ask('POST /v1/tunnels', tunnel)).status).toBe(201)
  const secret = { clientId: client.id, mode: 'secret', targets: ['22'], password: 'never-shown' }
  expect(await api.ask('POST /v1/tunnels', secret)).toMatchObject({
    status: 201,
    body: { hasPassword: true },
  })
  for (const path of ['clients', 'tunnels', 'hosts', 'audit', 'tokens', 'status']) {
    const { status, text } = await api.ask(`GET /v1/${path}`)
    expect(status).toBe(200)
    expect(text).not.toMatch(/scrypt|never-shown|[\da-f]{64}/)
    expect(text).not.toContain(api.token)
  }
  expect(api.lines.join('')).not.toContain(api.token)
  expect(api.lines.join('')).not.toContain('never-shown')
})

test('tunnels and hosts are listed by client, search and page', async () => {
  await using api = await openTestApi()
  await api.ask('POST /v1/clients', {})
  await api.ask('POST /v1/clients', {})
  for (let nth = 0; nth < 5; nth += 1) {
    const tunnel = { clientId: 1 + (nth % 2), mode: 'tcp', port: 9000 + nth, targets: [`db-${nth}:5432`] }
    expect((await api.ask('POST /v1/tunnels', tunnel)).status).toBe(201)
  }
  await api.ask('POST /v1/hosts', { clientId: 1, host: 'Example.com', targets: ['80'] })
  const ports = async (query: string) => {
    const { body } = await api.ask<{ items: { port: number }[]; next: string | null }>(
      `GET /v1/tunnels?${query}`,
    )
    return [body.items.map(({ port }) => port), body.next]
  }
  const [first, next] = await ports('limit=2')
  expect(first).toEqual([9000, 9001])
  expect(await ports(`limit=3&cursor=${String(next)}`)).toEqual([[9002, 9003, 9004], null])
  expect(await ports('client=2')).toEqual([[9001, 9003], null])
  expect(await ports('search=DB-3')).toEqual([[9003], null])
  expect(await ports('search=nothing')).toEqual([[], null])
  expect((await api.ask('GET /v1/hosts?search=example')).body).toMatchObject({
    items: [{ host: 'example.com', targets: ['80'], state: 'unknown' }],
  })
  for (const query of ['limit=0', 'limit=501', 'limit=x', 'cursor=-1', 'other=1', 'limit=1&limit=2']) {
    expect(await api.ask(`GET /v1/tunnels?${query}`)).toMatchObject({ status: 400 })
  }
})

test('a range of ports is a tunnel each, all or none', async () => {
  await using api = await openTestApi()
  await api.ask('POST /v1/clients', {})
  const range = { clientId: 1, mode: 'tcp', ports: '8001-8003', targets: ['10.0.0.1:9001-9003', '80'] }
  const made = await api.ask('POST /v1/tunnels', range)
  expect(made.headers.get('location')).toBe('/v1/tunnels')
  expect([made.status, made.body]).toMatchObject([
    201,
    {
      items: [
        { id: 1, port: 8001, targets: ['10.0.0.1:9001', '80'] },
        { id: 2, port: 8002, targets: ['10.0.0.1:9002', '80'] },
        { id: 3, port: 8003, targets: ['10.0.0.1:9003', '80'] },
      ],
    },
  ])
  const refused = async (change: object) => {
    const { status, body } = await api.ask<{ code: string }>('POST /v1/tunnels', { ...range, ...change })
    return [status, body.code]
  }
  expect(await refused({ ports: '8004-8005' })).toEqual([422, 'RECORD_VALUE'])
  expect(await refused({ ports: '8005-8003' })).toEqual([422, 'RECORD_VALUE'])
  expect(await refused({ ports: '8000-8002' })).toEqual([409, 'PORT_TAKEN'])
  expect(await refused({ port: 8005 })).toEqual([400, 'REQUEST_INVALID'])
  expect(api.store.tunnels()).toHaveLength(3)
})

test('headers that would not be sent are refused, and named', async () => {
  await using api = await openTestApi()
  await api.ask('POST /v1/clients', {})
  const host = { clientId: 1, host: 'a.example', targets: ['80'] }
  for (const [header, at] of [
    [['Host', 'b'], 'headers.0.0'],
    [['Via', 'b'], 'headers.0.0'],
    [['X-A', 'b\r\nX-B: c'], 'headers.0.1'],
  ] as const) {
    const { status, body } = await api.ask('POST /v1/hosts', { ...host, headers: [header] })
    expect([status, body]).toMatchObject([422, { code: 'RECORD_VALUE', detail: expect.stringContaining(at) }])
  }
})

test('without a token, or with a wrong one, nothing is told or done', async () => {
  await using api = await openTestApi({ authFailures: 0 })
  const before = api.store.audit.list().length
  for (const path of ['GET /v1/clients', 'POST /v1/clients', 'DELETE /v1/clients/1', 'GET /v1/status']) {
    const none = await api.ask(path, undefined, '')
    expect(none).toMatchObject({ status: 401, body: { code: 'AUTH_REQUIRED' } })
    expect(none.headers.get('www-authenticate')).toBe('Bearer realm="Sluice"')
    expect(await api.ask(path, undefined, 'x'.repeat(43))).toMatchObject({
      status: 401,
      body: { code: 'AUTH_FAILED' },
    })
  }
  expect((await api.ask(`GET /v1/clients?token=${api.token}`, undefined, '')).status).toBe(401)
  expect(api.store.audit.list().length).toBe(before)
})

test('who guesses tokens has to wait; who has one does not, though it comes from the same address', async () => {
  await using api = await openTestApi({ authFailures: 3 })
  const guess = () => api.ask('GET /v1/status', undefined, 'y'.repeat(43))
  for (let nth = 0; nth < 3; nth += 1) expect((await guess()).status).toBe(401)
  const late = await guess()
  expect(late).toMatchObject({ status: 429, body: { code: 'AUTH_LIMIT', retryAfter: 1 } })
  expect(late.headers.get('retry-after')).toBe('1')
  expect((await api.ask('GET /v1/status')).status).toBe(200)
})

test('connections are those of visitors, and not those of the programs of a client', async () => {
  await using api = await openTestApi()
  const { id } = api.store.addClient({})
  const client = liveClient(api.store, id)
  api.live.set(id, client)
  for (const kind of ['connection', 'association', 'control'] as const)
    client.account.enter({ kind, ip: '192.0.2.1', cut: () => {}, relimit: () => {} }, 0)
  expect((await api.ask(`GET /v1/clients/${id}`)).body).toMatchObject({ connections: 2 })
  expect((await api.ask('GET /v1/status')).body).toMatchObject({ connections: 2 })
})

test('a tunnel that cannot be opened says so in its state', async () => {
  await using api = await openTestApi()
  const client = liveClient(api.store, api.store.addClient({}).id)
  const record = api.store.addTunnel({
    clientId: client.record.id,
    mode: 'udp',
    port: 20_000,
    targets: ['53'],
  })
  const tunnel = new LiveTunnel(record, client, new Shaper(), () => {})
  tunnel.problem = 'cannot listen'
  api.liveTunnels.set(record.id, tunnel)
  expect((await api.ask(`GET /v1/tunnels/${record.id}`)).body).toMatchObject({
    state: 'problem',
    problem: 'cannot listen',
  })
})

test('the settings that it was opened with stay as they are, so that a reload finds no difference', async () => {
  const web = { host: '127.0.0.1', port: 0 }
  await using api = await openTestApi({ web })
  expect((await api.ask('GET /v1/status')).status).toBe(200)
  expect(web).toEqual({ host: '127.0.0.1', port: 0 })
})

test('a token to read with reads alone, and ends when it is removed', async () => {
  await using api = await openTestApi()
  const made = await api.ask<Made>('POST /v1/tokens', { name: 'panel', scopes: ['read'] })
  expect(made).toMatchObject({ status: 201, body: { name: 'panel', scopes: ['read'] } })
  const { id, token } = made.body
  expect((await api.ask('GET /v1/clients', undefined, token)).status).toBe(200)
  for (const line of [
    'POST /v1/clients',
    'GET /v1/tokens',
    'POST /v1/tokens',
    'GET /v1/audit',
    'DELETE /v1/tokens/1',
  ]) {
    expect(await api.ask(line, undefined, token)).toMatchObject({
      status: 403,
      body: { code: 'SCOPE_DENIED' },
    })
  }
  expect((await api.ask(`DELETE /v1/tokens/${id}`)).status).toBe(204)
  expect((await api.ask('GET /v1/clients', undefined, token)).status).toBe(401)
  const { body } = await api.ask<{ items: object[] }>('GET /v1/audit')
  expect(body.items).toMatchObject([
    { by: 'token:1', action: 'token.remove', id },
    { by: 'token:1', action: 'token.add', id },
    { by: 'start', action: 'token.add', id: 1 },
  ])
  expect((await api.ask('GET /v1/audit?limit=1')).body).toMatchObject({ next: '3' })
  expect((await api.ask('GET /v1/audit?limit=2&cursor=3')).body).toMatchObject({
    items: [{}, {}],
    next: null,
  })
})

test('what is malformed is refused, and told where', async () => {
  await using api = await openTestApi()
  const flawed = await api.ask('POST /v1/tunnels', {
    clientId: 'one',
    mode: 'ftp',
    limits: { 'a/b': 1 },
    secret: 'x',
  })
  expect(flawed).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } })
  const { errors } = flawed.body as { errors: { at: string }[] }
  expect(errors.map(({ at }) => at).toSorted()).toEqual(['', '/clientId', '/limits', '/mode'])
  const send = (body: string, type: string) =>
    fetch(`${api.url}/v1/clients`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${api.token}`, 'content-type': type },
    })
  expect((await send('{"remark":', 'application/json')).status).toBe(400)
  expect((await send('[]', 'application/json')).status).toBe(400)
  expect((await send('{"__proto__":{}}', 'application/json')).status).toBe(400)
  expect((await send('remark=x', 'application/x-www-form-urlencoded')).status).toBe(415)
  expect((await send('remark', 'text/plain')).status).toBe(415)
  const long = await send(JSON.stringify({ remark: 'x'.repeat(65 * 1024) }), 'application/json')
  expect([long.status, await long.json()]).toMatchObject([413, { code: 'BODY_TOO_LONG' }])
  for (const path of ['/v1/clients/x', '/v1/clients/-1', '/v1/nothing', '/v2', '/v1/clients/1e3']) {
    expect(await api.ask(`GET ${path}`)).toMatchObject({ status: 404 })
  }
  const wrong = await api.ask('PUT /v1/clients/1', {})
  expect(wrong).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } })
  expect(wrong.headers.get('allow')).toBe('DELETE, GET, HEAD, PATCH')
})

test('a record that cannot be is a problem with the code of the store', async () => {
  await using api = await openTestApi()
  await api.ask('POST /v1/clients', { maxTunnels: 1 })
  const tunnel = { clientId: 1, mode: 'tcp', port: 9000, targets: ['22'] }
  await api.ask('POST /v1/tunnels', tunnel)
  const code = async (change: object) => {
    const { status, body } = await api.ask<{ code: string }>('POST /v1/tunnels', { ...tunnel, ...change })
    return [status, body.code]
  }
  expect(await code({ port: 9001 })).toEqual([409, 'TUNNEL_LIMIT'])
  await api.ask('PATCH /v1/clients/1', { maxTunnels: null })
  expect(await code({})).toEqual([409, 'PORT_TAKEN'])
  expect(await code({ port: 80 })).toEqual([422, 'RECORD_VALUE'])
  expect(await code({ port: 9001, clientId: 9 })).toEqual([404, 'RECORD_UNKNOWN'])
  expect(await code({ port: 9001, targets: ['no target'] })).toEqual([422, 'RECORD_VALUE'])
})

test('a fault of ours tells nothing but goes to the log', async () => {
  await using api = await openTestApi()
  api.store.flowOf = () => {
    throw new Error('the disk is gone')
  }
  await api.ask('POST /v1/clients', {})
  const { status, text } = await api.ask('GET /v1/clients')
  expect([status, text.includes('INTERNAL'), text.includes('disk')]).toEqual([500, true, false])
  expect(api.lines.join('')).toContain('the disk is gone')
})

test('it allows no other site anything, and nothing is kept by caches', async () => {
  await using api = await openTestApi()
  const { headers } = await api.ask('GET /v1/status')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  const preflight = await fetch(`${api.url}/v1/clients`, {
    method: 'OPTIONS',
    headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' },
  })
  expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
})

test('who is there is told with their programs', async () => {
  await using api = await openTestApi()
  const { body } = await api.ask<Made>('POST /v1/clients', {})
  const client = liveClient(api.store, body.id)
  api.live.set(body.id, client)
  const remote = { host: '192.0.2.1', port: 4321 }
  const program = {
    kind: 'npc',
    clientId: body.id,
    remote,
    since: 7,
    version: '0.26.10',
    rttMs: 3,
    streams: 2,
  }
  client.agents.add({ ...program } as never)
  expect((await api.ask(`GET /v1/clients/${body.id}`)).body).toMatchObject({
    online: true,
    programs: [{ kind: 'npc', address: '192.0.2.1', since: 7, version: '0.26.10', rttMs: 3, streams: 2 }],
  })
  expect((await api.ask('GET /v1/status')).body).toMatchObject({ version: '1.2.3', clients: 1, online: 1 })
})

test('heads that are too long are refused', async () => {
  await using api = await openTestApi()
  const status = await new Promise((resolve, reject) => {
    request(`${api.url}/v1/status`, { headers: { 'x-long': 'x'.repeat(9000) } }, ({ statusCode }) =>
      resolve(statusCode),
    )
      .on('error', reject)
      .end()
  })
  expect(status).toBe(431)
})

test('it warns where tokens would come over a network in clear', async () => {
  const isTold = ({ lines }: { lines: readonly string[] }) => lines.some((line) => line.includes('web.plain'))
  await using inside = await openTestApi()
  await using outside = await openTestApi({ web: { host: '0.0.0.0', port: 0 } })
  expect([isTold(inside), isTold(outside)]).toEqual([false, true])
})
