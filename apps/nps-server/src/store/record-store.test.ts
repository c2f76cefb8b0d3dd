import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RECORDS_SCHEMA_VERSION } from './record-migrations.ts'
import { RecordStore } from './record-store.ts'

const NOON = Date.UTC(2026, 10, 21, 12)
const DAY = 86_400_000
const HASH = 'a'.repeat(64)

let dir: string
let file: string
let now: number
const opened: { close(): unknown }[] = []
const keep = <T extends { close(): unknown }>(one: T): T => {
  opened.push(one)
  return one
}
const open = (): RecordStore => keep(RecordStore.open(file, { now: () => now, busyMs: 0, auditMax: 3 }))
const openRaw = (): Database.Database => keep(new Database(file))

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'records-'))
  file = join(dir, 'data', 'tunnels.db')
  now = NOON
})
afterEach(() => {
  for (const each of opened.splice(0)) each.close()
  rmSync(dir, { recursive: true })
})

const coded = (code: string, message?: RegExp): unknown =>
  expect.objectContaining({ code, ...(message && { message: expect.stringMatching(message) as unknown }) })
const tcp = (clientId: number, port: number, more: object = {}) =>
  ({ clientId, mode: 'tcp', host: '127.0.0.1', port, targets: ['127.0.0.1:80'], ...more }) as const
const web = (clientId: number, host: string, more: object = {}) => ({
  clientId,
  host,
  targets: ['80'],
  ...more,
})

test('the file is its owner’s alone, in WAL mode, and a newer schema is refused', () => {
  open()
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(openRaw().pragma('journal_mode', { simple: true })).toBe('wal')
  openRaw().exec(`UPDATE schema SET version = ${RECORDS_SCHEMA_VERSION + 1}`)
  expect(open).toThrow(coded('STORE_SCHEMA_NEWER'))
})

test('the user store’s database is not taken for one of records', () => {
  open().close()
  openRaw().exec('DROP TABLE schema')
  expect(open).toThrow(coded('STORE_CORRUPT'))
})

test('records come back as they were written, with what was left out', () => {
  const store = open()
  const client = store.addClient({ remark: 'laptop', vkeyHash: HASH, limits: { up: 1000 } })
  expect(client).toEqual({
    id: 1,
    createdAt: NOON,
    remark: 'laptop',
    enabled: true,
    vkeyHash: HASH,
    limits: { up: 1000 },
    crypt: false,
    compress: false,
    selection: 'primary',
    mayConfigure: false,
  })
  const tunnel = store.addTunnel(tcp(1, 8001, { allow: ['10.0.0.0/8'] }))
  expect(tunnel).toEqual({
    ...tcp(1, 8001),
    id: 1,
    createdAt: NOON,
    remark: '',
    enabled: true,
    limits: {},
    allow: ['10.0.0.0/8'],
    balance: 'roundRobin',
  })
  const host = store.addHost(web(1, 'Bücher.Example.'))
  expect(host).toMatchObject({ host: 'xn--bcher-kva.example', location: '/', scheme: 'all', headers: [] })
  expect(open().changesSince(0)).toMatchObject({
    clients: { changed: [client], removed: [] },
    tunnels: { changed: [tunnel], removed: [] },
    hosts: { changed: [host], removed: [] },
  })
})

test('a change leaves out, clears and merges', () => {
  const store = open()
  store.addClient({ remark: 'a', expiresAt: NOON, limits: { up: 1, down: 2 } })
  const changed = store.patchClient(1, { expiresAt: null, limits: { up: null, total: 3 } })
  expect(changed).toEqual({ ...store.client(1), remark: 'a', limits: { down: 2, total: 3 } })
  expect(changed).not.toHaveProperty('expiresAt')
  expect(() => store.patchClient(2, {})).toThrow(coded('RECORD_UNKNOWN'))
})

test.each([
  ['a rate of 0', { limits: { up: 0 } }, /limits\.up/],
  ['an unknown key', { limits: { upp: 1 } }, /limits/],
  ['a time zone that is none', { limits: { quotaZone: 'Mars/Base' } }, /limits\.quotaZone/],
  ['a login whose password is not hashed', { login: { name: 'a', hash: 'secret' } }, /login\.hash/],
  ['a network that is none', { deny: ['10.0.0.0/40'] }, /deny/],
] as [string, object, RegExp][])('refuses %s, and tells no value', (_name, input, message) => {
  const store = open()
  expect(() => store.addClient(input)).toThrow(coded('RECORD_VALUE', message))
  expect(() => store.addClient(input)).not.toThrow(/secret/)
  expect(store.clients()).toEqual([])
})

test.each([
  ['no port', { mode: 'tcp', targets: ['80'] }, /port/],
  ['no target', { mode: 'udp', port: 53 }, /targets/],
  ['a target of its own', { mode: 'socks5', port: 1080, targets: ['80'] }, /targets/],
  ['a target without a port', { mode: 'tcp', port: 1, targets: ['localhost'] }, /targets\.0/],
  ['no password', { mode: 'secret', targets: ['22'] }, /password/],
  ['a port that nobody comes to', { mode: 'p2p', port: 1, passwordHash: HASH }, /port/],
] as const)('a tunnel with %s is refused', (_name, input, message) => {
  const store = open()
  store.addClient({})
  expect(() =>
    store.addTunnel({ clientId: 1, ...input, targets: [...('targets' in input ? input.targets : [])] }),
  ).toThrow(coded('RECORD_VALUE', message))
})

test.each([
  ['a.b', 'ok'],
  ['*.a.b', 'ok'],
  ['*', 'refused'],
  ['a.*.b', 'refused'],
  ['a b', 'refused'],
  ['a.b:80', 'refused'],
  ['', 'refused'],
])('host name %j: %s', (host, verdict) => {
  const store = open()
  store.addClient({})
  const add = (): unknown => store.addHost(web(1, host))
  if (verdict === 'ok') expect(add()).toMatchObject({ host })
  else expect(add).toThrow(coded('RECORD_VALUE', /host/))
})

test.each([
  ['a wildcard', { host: '*.a.b' }],
  ['an address', { host: '192.0.2.1' }],
  ['a name that nobody else knows', { host: 'localhost' }],
  ['a certificate of its own', { host: 'a.b', certFile: '/a', keyFile: '/b' }],
  ['that of its target', { host: 'a.b', passThrough: true }],
])('no certificate is asked for a host with %s', (_name, fields) => {
  const store = open()
  store.addClient({})
  expect(store.addHost({ ...web(1, 'c.d'), autoCert: true })).toMatchObject({ autoCert: true })
  expect(() => store.addHost({ ...web(1, 'a.b'), ...fields, autoCert: true })).toThrow(
    coded('RECORD_VALUE', /autoCert/),
  )
})

test.each([
  ['Content-Length', '1', /headers\.1\.0: .*server’s own/],
  ['transfer-encoding', 'chunked', /headers\.1\.0/],
  ['HOST', 'a.b', /headers\.1\.0/],
  ['Connection', 'close', /headers\.1\.0/],
  ['Via', '1.1 a', /headers\.1\.0/],
  ['Expect', '100-continue', /headers\.1\.0/],
  ['Proxy-Authorization', 'Basic eA==', /headers\.1\.0/],
  ['X A', 'b', /headers\.1\.0: .*name/],
  ['X-A\r\nX-C', 'b', /headers\.1\.0/],
  ['', 'b', /headers\.1\.0/],
  ['X-A', 'hidden\r\nX-C: d', /headers\.1\.1: .*value/],
  ['X-A', 'hidden\0', /headers\.1\.1/],
  ['X-A', ' hidden', /headers\.1\.1/],
  ['X-A', 'hidden €', /headers\.1\.1/],
])('a header %j of %j, which would not be sent, is refused and named', (name, value, message) => {
  const store = open()
  store.addClient({})
  const { id } = store.addHost(web(1, 'a.b', { headers: [['X-A', 'b:c']] }))
  const change = (): unknown =>
    store.patchHost(id, {
      headers: [
        ['X-B', 'ü'],
        [name, value],
      ],
    })
  expect(change).toThrow(coded('RECORD_VALUE', message))
  expect(change).not.toThrow(/hidden/)
  expect(store.host(id).headers).toEqual([['X-A', 'b:c']])
})

test('a file tunnel shows the whole folder of its client where it names none', () => {
  const store = open()
  store.addClient({})
  const { id } = store.addTunnel({ clientId: 1, mode: 'file', port: 8001 })
  expect(store.tunnel(id)).not.toHaveProperty('localPath')
  expect(store.patchTunnel(id, { localPath: 'docs' })).toMatchObject({ localPath: 'docs' })
  expect(store.patchTunnel(id, { localPath: null })).not.toHaveProperty('localPath')
})

test('a tunnel without a host is on loopback, and in the way of nobody elsewhere', () => {
  const store = open()
  store.addClient({})
  const tunnel = { clientId: 1, mode: 'tcp', port: 8001, targets: ['80'] } as const
  const at = (host?: string) => () => store.addTunnel({ ...tunnel, ...(host !== undefined && { host }) })
  expect(at()()).not.toHaveProperty('host')
  expect(at('192.0.2.1')()).toMatchObject({ host: '192.0.2.1' })
  for (const host of [undefined, '127.0.0.1', '0.0.0.0', '::']) expect(at(host)).toThrow(coded('PORT_TAKEN'))
})

test('a port belongs to one enabled tunnel, of TCP and of UDP each', () => {
  const store = open()
  store.addClient({})
  store.addTunnel(tcp(1, 8001))
  expect(() => store.addTunnel(tcp(1, 8001))).toThrow(coded('PORT_TAKEN', /tunnel 1/))
  expect(() => store.addTunnel(tcp(1, 8001, { host: '0.0.0.0' }))).toThrow(coded('PORT_TAKEN'))
  store.addTunnel(tcp(1, 8001, { host: '127.0.0.2' }))
  store.addTunnel(tcp(1, 8001, { mode: 'udp' }))
  store.addTunnel(tcp(1, 0))
  store.addTunnel(tcp(1, 0))
  const off = store.addTunnel(tcp(1, 8001, { enabled: false }))
  expect(() => store.patchTunnel(off.id, { enabled: true })).toThrow(coded('PORT_TAKEN'))
  store.removeTunnel(1)
  expect(store.patchTunnel(off.id, { enabled: true }).enabled).toBe(true)
})

test('a name, location and scheme belong to one enabled host', () => {
  const store = open()
  store.addClient({})
  store.addHost(web(1, 'a.b', { scheme: 'http' }))
  expect(() => store.addHost(web(1, 'A.B'))).toThrow(coded('HOST_TAKEN'))
  store.addHost(web(1, 'a.b', { scheme: 'https' }))
  store.addHost(web(1, 'a.b', { location: '/x' }))
})

test('tunnels and hosts together are as many as the client may have', () => {
  const store = open()
  store.addClient({ maxTunnels: 2 })
  store.addTunnel(tcp(1, 1))
  store.addHost(web(1, 'a.b'))
  expect(() => store.addTunnel(tcp(1, 2))).toThrow(coded('TUNNEL_LIMIT'))
  store.removeHost(1)
  store.addTunnel(tcp(1, 2))
})

test('keys and passwords say whose they are, so nobody else has them', () => {
  const store = open()
  const key = 'k'.repeat(43)
  store.addClient({ vkeyHash: HASH, publicKey: key })
  expect(() => store.addClient({ vkeyHash: HASH })).toThrow(coded('RECORD_VALUE', /vkey/))
  expect(() => store.addClient({ publicKey: key })).toThrow(coded('RECORD_VALUE', /key/))
  const secret = { clientId: 1, mode: 'secret', targets: ['22'], passwordHash: HASH } as const
  store.addTunnel(secret)
  expect(() => store.addTunnel(secret)).toThrow(coded('RECORD_VALUE', /password/))
  store.removeClient(1)
  expect(store.addClient({ vkeyHash: HASH, publicKey: key }).id).toBe(2)
})

test('a client goes with its tunnels and hosts, their ids never come again and what passed stays', () => {
  const store = open()
  store.addClient({})
  store.addClient({})
  store.addTunnel(tcp(1, 1))
  store.addTunnel(tcp(2, 2))
  store.addHost(web(1, 'a.b'))
  store.book([{ kind: 'client', id: 1, inlet: 1, export: 2 }], now)
  const { revision } = store.changesSince(0)
  store.removeClient(1)
  expect(store.changesSince(revision)).toMatchObject({
    clients: { changed: [], removed: [1] },
    tunnels: { changed: [], removed: [1] },
    hosts: { changed: [], removed: [1] },
  })
  expect(store.tunnels().map(({ id }) => id)).toEqual([2])
  expect(store.addClient({}).id).toBe(3)
  expect(store.addHost(web(3, 'a.b')).id).toBe(2)
  expect(store.flowOf('client', 1)).toEqual({ inlet: 1, export: 2 })
  expect(() => store.addTunnel(tcp(1, 5))).toThrow(coded('RECORD_UNKNOWN'))
})

test('several writes are one, or none', () => {
  const store = open()
  store.addClient({})
  const both = (): void =>
    store.transaction(() => {
      store.addTunnel(tcp(1, 1))
      store.addTunnel(tcp(1, 1))
    })
  expect(both).toThrow(coded('PORT_TAKEN'))
  expect(store.tunnels()).toEqual([])
})

test('flow is booked for ever and by the local day of the quota', () => {
  const store = open()
  store.addClient({ limits: { quotaBytes: 100, quotaPeriod: 'month', quotaZone: 'Europe/Berlin' } })
  store.addTunnel(tcp(1, 1))
  const entries = (bytes: number) => [
    { kind: 'client', id: 1, inlet: bytes, export: 1 } as const,
    { kind: 'tunnel', id: 1, inlet: bytes, export: 1 } as const,
  ]
  const lastOfMonth = Date.UTC(2026, 10, 30, 22)
  expect(store.book(entries(10), lastOfMonth).totals).toEqual([
    { kind: 'client', id: 1, period: 'month:2026-11-01', inlet: 10, export: 1 },
    { kind: 'tunnel', id: 1, period: 'all', inlet: 10, export: 1 },
  ])
  // In Berlin it is December already.
  now = lastOfMonth + 2 * 3_600_000
  expect(store.book(entries(5), now).totals[0]).toMatchObject({ period: 'month:2026-12-01', inlet: 5 })
  expect(store.flowOf('client', 1)).toEqual({ inlet: 15, export: 2 })
  expect(store.periodFlowOf('client', 1)).toMatchObject({ inlet: 5, export: 1 })
  now += 40 * DAY
  expect(store.periodFlowOf('client', 1)).toMatchObject({ inlet: 0, export: 0 })
})

test('a reset counts from 0, and others learn of it', () => {
  const store = open()
  store.addClient({})
  store.book([{ kind: 'client', id: 1, inlet: 7, export: 7 }], now)
  const { revision } = store.changesSince(0)
  store.resetFlow('client', 1)
  expect(store.flowOf('client', 1)).toEqual({ inlet: 0, export: 0 })
  expect(open().changesSince(revision).flows).toEqual([
    { kind: 'client', id: 1, period: 'all', inlet: 0, export: 0 },
  ])
  expect(() => store.resetFlow('host', 1)).toThrow(coded('RECORD_UNKNOWN'))
})

test('what was booked is taken to the disk on demand, and a store that is closed says so', async () => {
  const store = open()
  store.book([{ kind: 'client', id: 1, inlet: 1, export: 2 }], now)
  await store.sync()
  expect(store.flowOf('client', 1)).toEqual({ inlet: 1, export: 2 })
  store.close()
  await expect(store.sync()).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a batch with a broken entry is not booked at all', () => {
  const store = open()
  store.addClient({})
  const broken = { kind: 'client', id: 1, inlet: 0.5, export: 0 } as const
  expect(() => store.book([{ ...broken, inlet: 1 }, broken], now)).toThrow(/REAL|INTEGER/)
  expect(store.flowOf('client', 1)).toEqual({ inlet: 0, export: 0 })
})

test('the sum of tunnels and hosts is kept beside a client’s own count, which removals leave alone', () => {
  const store = open()
  store.addClient({})
  store.addClient({})
  store.addTunnel(tcp(1, 1))
  store.addHost(web(1, 'a.b'))
  const flow = { inlet: 2, export: 3 }
  store.book(
    [
      { kind: 'client', id: 1, inlet: 4, export: 6 },
      { kind: 'tunnel', id: 1, ...flow },
      { kind: 'host', id: 1, ...flow },
    ],
    now,
  )
  store.aggregate(new Map([[2, { inlet: 9, export: 9 }]]))
  expect(store.flowOf('aggregate', 1)).toEqual(store.flowOf('client', 1))
  expect(store.flowOf('aggregate', 2)).toEqual({ inlet: 9, export: 9 })
  store.removeTunnel(1)
  store.aggregate(new Map())
  expect(store.flowOf('aggregate', 1)).toEqual(flow)
  expect(store.flowOf('aggregate', 2)).toEqual({ inlet: 0, export: 0 })
  expect(store.flowOf('client', 1)).toEqual({ inlet: 4, export: 6 })
})

test('a write of another program is noticed, and one of its own is told', () => {
  const [ours, theirs] = [open(), open()]
  let told = 0
  ours.onWrite = () => (told += 1)
  const before = ours.otherWrites()
  ours.addClient({})
  expect([told, ours.otherWrites()]).toEqual([1, before])
  theirs.addClient({})
  expect(told).toBe(1)
  expect(ours.otherWrites()).not.toBe(before)
})

test('a lock that somebody holds is STORE_BUSY', () => {
  const [ours, theirs] = [open(), openRaw()]
  theirs.exec('BEGIN IMMEDIATE')
  expect(() => ours.addClient({})).toThrow(coded('STORE_BUSY'))
  expect(() => ours.tokens.add({ name: 'ci', hash: HASH, scopes: ['read'] })).toThrow(coded('STORE_BUSY'))
  expect(() => ours.audit.append({ by: 'cli', action: 'x' })).toThrow(coded('STORE_BUSY'))
  expect(() => ours.presence.drop('x')).toThrow(coded('STORE_BUSY'))
})

test('tokens are found by their hash until they expire', () => {
  const { tokens } = open()
  const ci = tokens.add({ name: 'ci', hash: HASH, scopes: ['read', 'write'], expiresAt: NOON + 1 })
  expect(tokens.byHash(HASH)).toEqual({ ...ci, id: 1, createdAt: NOON, scopes: ['read', 'write'] })
  now += 1
  expect(tokens.byHash(HASH)).toBeUndefined()
  tokens.remove(1)
  expect(tokens.list()).toEqual([])
  expect(() => tokens.remove(1)).toThrow(coded('RECORD_UNKNOWN'))
})

test('the audit keeps the newest entries', () => {
  const { audit } = open()
  for (const id of [1, 2, 3, 4]) audit.append({ by: 'cli', action: 'client.add', id, after: { remark: 'x' } })
  expect(audit.list().map(({ id }) => id)).toEqual([4, 3, 2])
  expect(audit.list({ before: 4, limit: 1 })).toEqual([
    { seq: 3, at: NOON, by: 'cli', action: 'client.add', id: 3, after: { remark: 'x' } },
  ])
})

test('who is connected is forgotten when their server is silent for too long', () => {
  const store = open()
  const agent = {
    clientId: 1,
    kind: 'npc',
    remote: { host: '::1', port: 1 },
    since: 1,
    version: '0.26.0',
    rttMs: 0,
    streams: 0,
  } as const
  store.presence.put('one', { agents: [agent], hostProblems: {}, problems: { 1: 'in use' } })
  now += 8000
  store.presence.put('two', { agents: [{ ...agent, clientId: 2 }], hostProblems: {}, problems: {} })
  expect(open().presence.read()).toMatchObject({
    agents: [{ clientId: 1 }, { clientId: 2 }],
    problems: { 1: 'in use' },
  })
  now += 8000
  expect(store.presence.read().agents).toMatchObject([{ clientId: 2 }])
  store.presence.drop('two')
  expect(store.presence.read()).toEqual({ agents: [], hostProblems: {}, problems: {} })
})

test('meta', () => {
  open().setMeta('bridge', '127.0.0.1:8025')
  expect(open().meta('bridge')).toBe('127.0.0.1:8025')
  expect(open().meta('nothing')).toBeUndefined()
})

test('the codes of a token are good once, whichever program is asked', () => {
  const [ours, theirs] = [open(), open()]
  const totp = Buffer.alloc(20, 7)
  const { id } = ours.tokens.add({ name: 'ann', hash: HASH, scopes: ['read'], totp })
  expect(ours.tokens.byHash(HASH)).toMatchObject({ totp: true })
  expect(theirs.tokens.byId(id)).toMatchObject({ totp: true })
  expect(Buffer.from(theirs.tokens.totpSecret(id)!)).toEqual(totp)
  expect([ours.tokens.useTotpStep(id, 5), theirs.tokens.useTotpStep(id, 5)]).toEqual([true, false])
  expect([theirs.tokens.useTotpStep(id, 4), theirs.tokens.useTotpStep(id, 6)]).toEqual([false, true])
  expect(ours.tokens.useTotpStep(99, 7)).toBe(false)
  const plain = ours.tokens.add({ name: 'ci', hash: HASH.replace(/^./, 'x'), scopes: ['read'] })
  expect(plain).not.toHaveProperty('totp')
  expect(ours.tokens.totpSecret(plain.id)).toBeUndefined()
})
