import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { npcHash } from '../../secret-hash.ts'
import { liveClient, openTestApi, type TestApi } from '../testing/test-api.ts'

const KEY = 'a key of some scripts'

const now = (): number => Math.floor(Date.now() / 1000)

const authOf = (timestamp: number, key = KEY) => ({
  auth_key: createHash('md5').update(`${key}${timestamp}`).digest('hex'),
  timestamp: String(timestamp),
})

/** As a script asks: all in the form. */
const post = async (
  api: TestApi,
  path: string,
  form: Record<string, string>,
  auth: object = authOf(now()),
) => {
  const body = new URLSearchParams({ ...auth, ...form })
  const response = await fetch(api.url + path, { method: 'POST', body })
  return { status: response.status, body: await response.json() }
}

const open = () => openTestApi({ npsApi: KEY, npcBridge: { address: { host: '0.0.0.0', port: 8024 } } })

const CLIENT_ROW = {
  ...{
    Cnf: { U: 'v', P: '', Compress: false, Crypt: true },
    Id: 1,
    VerifyKey: '',
    Addr: '',
    Remark: 'a & b',
  },
  ...{
    Status: true,
    IsConnect: false,
    RateLimit: 100,
    Rate: { NowRate: 0 },
    NoStore: false,
    NoDisplay: false,
  },
  ...{
    Flow: { ExportFlow: 7, InletFlow: 5, FlowLimit: 2 },
    MaxConn: 9,
    NowConn: 0,
    MaxTunnelNum: 3,
    Version: '',
  },
  ...{ WebUserName: 'w', WebPassword: '', ConfigConnAllow: true },
}

test('without a key in the settings there are no such routes', async () => {
  await using api = await openTestApi()
  expect((await post(api, '/client/list', {})).status).toBe(404)
  expect((await fetch(`${api.url}/auth/gettime`)).status).toBe(404)
})

test('the time is told to everybody', async () => {
  await using api = await open()
  for (const method of ['GET', 'POST']) {
    const { time } = (await (await fetch(`${api.url}/auth/gettime`, { method })).json()) as { time: number }
    expect(Math.abs(time - now())).toBeLessThan(3)
  }
})

test('a client is made, listed, changed and removed with the replies of nps', async () => {
  await using api = await open()
  const form = {
    ...{
      remark: 'a & b',
      u: 'v',
      p: 'x',
      compress: '0',
      crypt: '1',
      config_conn_allow: 'true',
      rate_limit: '100',
    },
    ...{
      flow_limit: '2',
      max_conn: '9',
      max_tunnel: '3',
      web_username: 'w',
      web_password: 'y',
      vkey: 'given-key',
    },
  }
  expect(await post(api, '/client/add', form)).toEqual({
    status: 200,
    body: { status: 1, msg: 'add success', id: 1 },
  })
  expect(api.store.client(1)).toMatchObject({
    limits: { total: 102_400, quotaBytes: 2_097_152, connections: 9 },
    ...{ remark: 'a & b', vkeyHash: npcHash('given-key'), login: { name: 'v' }, webLogin: { name: 'w' } },
  })
  api.store.book([{ kind: 'client', id: 1, inlet: 5, export: 7 }], Date.now())
  expect((await post(api, '/client/list', { limit: '10' })).body).toEqual({
    ...{ rows: [CLIENT_ROW], total: 1 },
    ...{ ip: '127.0.0.1', bridgeType: 'tcp', bridgePort: 8024 },
  })
  expect((await post(api, '/client/getclient', { id: '1' })).body).toEqual({ code: 1, data: CLIENT_ROW })
  expect((await post(api, '/client/getclient', { id: '2' })).body).toEqual({ code: 0 })
  expect((await post(api, '/client/edit', { id: '1', remark: 'c', rate_limit: '0' })).body).toEqual({
    ...{ status: 1, msg: 'save success' },
  })
  expect(api.store.client(1)).toMatchObject({
    ...{ remark: 'c', limits: { quotaBytes: 2_097_152, connections: 9 }, login: { name: 'v' }, crypt: true },
  })
  expect(api.store.client(1).limits).not.toHaveProperty('total')
  expect((await post(api, '/client/changestatus', { id: '1', status: '0' })).body).toEqual({
    ...{ status: 1, msg: 'modified success' },
  })
  expect(api.store.client(1).enabled).toBe(false)
  expect((await post(api, '/client/del', { id: '1' })).body).toEqual({ status: 1, msg: 'delete success' })
  expect((await post(api, '/client/del', { id: '1', again: '1' })).body).toEqual({
    ...{ status: 0, msg: 'there is no client 1' },
  })
  const entries = api.store.audit.list().toReversed()
  expect(entries.map(({ by, action }) => `${by} ${action}`).slice(1)).toEqual([
    'nps-api client.add',
    'nps-api client.set',
    'nps-api client.set',
    'nps-api client.remove',
  ])
})

test('a key that was made is told with the client that it is for', async () => {
  await using api = await open()
  expect((await post(api, '/client/add', { remark: 'x', vkey: '' })).body).toEqual({
    ...{ status: 1, msg: 'add success', id: 1, vkey: expect.stringMatching(/^[\da-f]{32}$/) as string },
  })
})

test('tunnels', async () => {
  await using api = await open()
  await post(api, '/client/add', {})
  const form = {
    type: 'tcp',
    port: '20005',
    server_ip: '',
    target: '127.0.0.1:22\n10.0.0.1:22',
    client_id: '1',
    remark: 'ssh',
  }
  const auth = authOf(now())
  expect((await post(api, '/index/add', form, auth)).body).toEqual({ status: 1, msg: 'add success', id: 1 })
  const one = await post(api, '/index/getonetunnel', { id: '1' })
  expect(one.body).toMatchObject({
    code: 1,
    data: {
      ...{ Id: 1, Port: 20_005, ServerIp: '', Mode: 'tcp', Status: true, RunStatus: false, Remark: 'ssh' },
      ...{
        Client: { Id: 1, VerifyKey: '' },
        Flow: { ExportFlow: 0, InletFlow: 0, FlowLimit: 0 },
        Password: '',
      },
      ...{ Target: { TargetStr: '127.0.0.1:22\n10.0.0.1:22', TargetArr: null, LocalProxy: false } },
    },
  })
  // As nps has it, at all addresses; ours would have been on loopback.
  expect(api.store.tunnels()[0]?.host).toBe('0.0.0.0')
  for (const server_ip of ['127.0.0.2', '']) await post(api, '/index/edit', { id: '1', server_ip })
  expect(api.store.tunnels()[0]?.host).toBe('0.0.0.0')
  // A port that is free, where none is said.
  expect((await post(api, '/index/add', { type: 'socks5', client_id: '1' })).body).toMatchObject({
    status: 1,
  })
  expect((await post(api, '/index/add', { type: 'mixProxy', client_id: '1' })).body).toMatchObject({
    status: 1,
  })
  expect(
    api.store
      .tunnels()
      .map(({ port }) => port)
      .toSorted((one = 0, other = 0) => one - other),
  ).toEqual([20_000, 20_001, 20_005])
  expect((await post(api, '/index/add', { type: 'httpProxy', client_id: '1' })).body).toEqual({
    ...{ status: 0, msg: 'port: none is free' },
  })
  expect((await post(api, '/index/add', form, auth)).body).toMatchObject({
    status: 0,
    msg: 'request was made before',
  })
  expect((await post(api, '/index/add', { ...form, remark: 'twice' })).body).toEqual({
    ...{ status: 0, msg: 'port 20005 belongs to tunnel 1' },
  })
  expect(
    (await post(api, '/index/add', { type: 'secret', client_id: '1', password: 'pw', target: '22' })).body,
  ).toMatchObject({
    status: 1,
  })
  expect(api.store.tunnels().at(-1)).toMatchObject({
    ...{ mode: 'secret', clientId: 1, passwordHash: npcHash('pw'), targets: ['22'] },
  })
  const list = (await post(api, '/index/gettunnel', { type: 'tcp', client_id: '1', limit: '1' })).body
  expect(list).toMatchObject({ rows: [{ Id: 1 }], total: 1 })
  expect(
    (await post(api, '/index/gettunnel', { offset: '1', limit: '2', sort: 'Id', order: 'desc' })).body,
  ).toMatchObject({
    ...{ rows: [{ Mode: 'mixProxy' }, { Mode: 'socks5' }], total: 4 },
  })
  expect(
    (await post(api, '/index/edit', { id: '1', type: 'tcp', client_id: '1', port: '20006', password: '' }))
      .body,
  ).toEqual({
    ...{ status: 1, msg: 'modified success' },
  })
  expect(api.store.tunnel(1)).toMatchObject({ port: 20_006, targets: ['127.0.0.1:22', '10.0.0.1:22'] })
  expect((await post(api, '/index/edit', { id: '1', type: 'udp' })).body).toMatchObject({ status: 0 })
  expect((await post(api, '/index/stop', { id: '1' })).body).toEqual({ status: 1, msg: 'stop success' })
  expect((await post(api, '/index/start', { id: '1' })).body).toEqual({ status: 1, msg: 'start success' })
  expect((await post(api, '/index/del', { id: '1' })).body).toEqual({ status: 1, msg: 'delete success' })
  expect((await post(api, '/index/getonetunnel', { id: '1' })).body).toEqual({ code: 0 })
})

test('hosts', async () => {
  await using api = await open()
  await post(api, '/client/add', {})
  const form = {
    ...{
      host: 'a.example',
      scheme: 'all',
      location: '',
      target: '127.0.0.1:80',
      client_id: '1',
      remark: 'web',
    },
    ...{
      header: 'X-A:1\nX-Url: http://x:1/',
      hostchange: 'b.example',
      key_file_path: '',
      cert_file_path: '',
    },
  }
  expect((await post(api, '/index/addhost', form)).body).toEqual({ status: 1, msg: 'add success', id: 1 })
  const row = {
    ...{ Id: 1, Host: 'a.example', HeaderChange: 'X-A:1\nX-Url:http://x:1/', HostChange: 'b.example' },
    ...{ Location: '/', Remark: 'web', Scheme: 'all', CertFilePath: '', KeyFilePath: '', NoStore: false },
    ...{
      IsClose: false,
      AutoHttps: false,
      Target: { TargetStr: '127.0.0.1:80', TargetArr: null, LocalProxy: false },
    },
  }
  expect((await post(api, '/index/gethost', { id: '1' })).body).toMatchObject({ code: 1, data: row })
  expect((await post(api, '/index/hostlist', { client_id: '1', search: 'A.EX' })).body).toMatchObject({
    ...{ rows: [row], total: 1 },
  })
  expect((await post(api, '/index/hostlist', { client_id: '9' })).body).toEqual({ rows: [], total: 0 })
  expect((await post(api, '/index/edithost', { id: '1', hostchange: '' })).body).toMatchObject({ status: 1 })
  expect(api.store.host(1)).not.toHaveProperty('hostChange')
  expect((await post(api, '/index/delhost', { id: '1' })).body).toEqual({ status: 1, msg: 'delete success' })
})

test('the key may be in the query; of what is in both, the form counts', async () => {
  await using api = await open()
  const query = new URLSearchParams({ ...authOf(now()), search: 'query' }).toString()
  const response = await fetch(`${api.url}/client/list?${query}`, { method: 'POST' })
  expect(await response.json()).toMatchObject({ rows: [], total: 0 })
  expect((await fetch(`${api.url}/client/list?${query}`)).status).toBe(405)
})

test('wrong, old and missing keys are refused, and guesses cost time', async () => {
  await using api = await open()
  const ask = async (auth: object) => (await post(api, '/client/add', {}, auth)).status
  expect(await ask(authOf(now() - 25))).toBe(401)
  expect(await ask(authOf(now() + 25))).toBe(401)
  const edge = authOf(now() - 15)
  expect(
    (await post(api, '/client/list', {}, { ...edge, auth_key: edge.auth_key.toUpperCase() })).status,
  ).toBe(200)
  expect(await ask({})).toBe(401)
  expect(await ask(authOf(now(), 'another key'))).toBe(401)
  expect(await ask({ ...authOf(now()), timestamp: 'now' })).toBe(401)
  expect(await ask(authOf(now()))).toBe(429)
  expect(api.store.clients()).toEqual([])
  expect(api.lines.filter((line) => line.includes('web.denied'))).toHaveLength(3)
})

test('a change that was overheard is not made again, whatever the order of its parameters', async () => {
  await using api = await open()
  const auth = authOf(now())
  expect((await post(api, '/client/add', { remark: 'one', u: '' }, auth)).body).toMatchObject({ status: 1 })
  expect(await post(api, '/client/add', { u: '', remark: 'one' }, auth)).toMatchObject({
    status: 401,
    body: { status: 0, msg: 'request was made before' },
  })
  const shouted = { ...auth, auth_key: auth.auth_key.toUpperCase() }
  expect(await post(api, '/client/add', { u: '', remark: 'one' }, shouted)).toMatchObject({ status: 401 })
  // A script makes several changes with one key, and looks as often as it likes.
  expect((await post(api, '/client/add', { remark: 'two' }, auth)).body).toMatchObject({ status: 1 })
  for (let nth = 0; nth < 2; nth += 1) {
    expect((await post(api, '/client/list', {}, auth)).body).toMatchObject({ total: 2 })
  }
})

test('values that cannot be are named', async () => {
  await using api = await open()
  const message = async (path: string, form: Record<string, string>) => (await post(api, path, form)).body
  expect(await message('/client/add', { rate_limit: '-1' })).toEqual({
    status: 0,
    msg: 'rate_limit: wanted a whole number',
  })
  expect(await message('/client/add', { crypt: 'yes' })).toEqual({
    status: 0,
    msg: 'crypt: wanted true or false',
  })
  expect(await message('/client/add', { expire_time: 'soon' })).toMatchObject({ status: 0 })
  expect(await message('/client/del', { id: '' })).toEqual({ status: 0, msg: 'id: wanted an id' })
  expect(await message('/index/add', { type: 'tcpTrans', client_id: '1' })).toMatchObject({ status: 0 })
  expect(await message('/index/add', { type: 'tcp', client_id: '1', local_proxy: '1' })).toEqual({
    ...{ status: 0, msg: 'local_proxy: not offered here' },
  })
  expect(await message('/index/addhost', { host: 'a', client_id: '1', scheme: 'ftp' })).toMatchObject({
    status: 0,
  })
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, nth) => [`p${nth}`, '']))
  expect((await post(api, '/client/list', many)).status).toBe(400)
  expect((await post(api, '/client/list', { search: 'x'.repeat(65 * 1024) })).status).toBe(413)
})

test('a client that is here is told with the address and version of its program', async () => {
  await using api = await open()
  await post(api, '/client/add', {})
  const client = liveClient(api.store, 1)
  client.agents.add({ remote: { host: '192.0.2.7', port: 1 }, version: '0.26.10' } as never)
  api.live.set(1, client)
  expect((await post(api, '/client/getclient', { id: '1' })).body).toMatchObject({
    data: { IsConnect: true, Addr: '192.0.2.7', Version: '0.26.10' },
  })
})

test('a slash behind a path changes nothing, and makes no second change of one', async () => {
  await using api = await open()
  expect((await post(api, '/auth/gettime/', {})).body).toEqual({ time: expect.any(Number) })
  const auth = authOf(now())
  expect((await post(api, '/client/add/', { remark: 'x' }, auth)).body).toMatchObject({ status: 1 })
  expect((await post(api, '/client/add', { remark: 'x' }, auth)).status).toBe(401)
  expect((await post(api, '/client/list/', {})).body).toMatchObject({ total: 1 })
})
