import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createAuthority } from '@sluice/net/testing'
import { address, baseSchema, type AppCommand, storeUrl } from '@sluice/service'
import { openStore } from '@sluice/userstore'
import { formatAddress } from '@sluice/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { npcHash } from '../secret-hash.ts'
import { rememberBridge } from '../manager.ts'
import { RecordStore } from '../store/record-store.ts'
import { recordCommands } from './index.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const schema = baseSchema().extend({
  bridge: address.prefault('127.0.0.1:8025'),
  ports: z.array(z.object({ first: z.number(), last: z.number() })).default([{ first: 8000, last: 9000 }]),
})

let data: string
let input: string
let env: Record<string, string>
let ran: string[][]

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'cli-'))
  input = ''
  env = {}
  ran = []
})
afterEach(() => rmSync(data, { recursive: true }))

async function* stdin(): AsyncIterable<string> {
  yield input
}

/** Files of a certificate. */
function certificate(): { cert: string; key: string } {
  const { cert, key } = createAuthority().issue('a.b')
  const files = { cert: join(data, 'a.crt'), key: join(data, 'a.key') }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
  return files
}

/** One command line, without the program's name. */
async function run(line: string, ...more: string[]): Promise<{ exit: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const io = {
    app: 'nps-server',
    schema,
    env,
    stdin: stdin(),
    stdout: { write: (text: string) => void (out += text) },
    stderr: { write: (text: string) => void (err += text) },
    openUsers: (place: { data: string; store: string | undefined }) => openStore(storeUrl(place)),
    enrol: (folder: string) => ({
      publicKey: createHash('sha256').update(String(Math.random())).digest('base64url'),
      text: (server: readonly { host: string; port: number }[]) =>
        `enrol:${folder === data}@${server.map(formatAddress).join(',')}`,
    }),
    now: () => NOW,
  }
  const runner: AppCommand = { about: 'Runs one.', usage: '', run: async (argv) => ran.push([...argv]) }
  const [word = '', ...rest] = [...line.split(' ').filter(Boolean), ...more]
  const commands = recordCommands(io, { run: runner })
  const exit = await commands[word as 'client'].run([
    ...rest,
    ...(rest.includes('--help') ? [] : ['--data', data]),
  ])
  return { exit, out, err }
}
async function ok(line: string, ...more: string[]): Promise<string> {
  const { exit, out, err } = await run(line, ...more)
  expect({ exit, err }).toEqual({ exit: 0, err: '' })
  return out
}
async function json(line: string, ...more: string[]): Promise<Record<string, unknown>> {
  const out = await ok(`${line} --json`, ...more)
  expect(out.split('\n')).toHaveLength(2)
  return Object(JSON.parse(out))
}
function within<T>(act: (store: RecordStore) => T): T {
  const store = RecordStore.open(join(data, 'tunnels.db'), { now: () => NOW })
  try {
    return act(store)
  } finally {
    store.close()
  }
}
const addUser = async (name: string): Promise<string> => {
  const users = await openStore(storeUrl({ data, store: undefined }))
  const { id } = await users.add({ name })
  await users.close()
  return id
}

describe('client', () => {
  it('add prints id, vkey and enrolment once, and nothing else', async () => {
    const added = await json('client add')
    expect(added).toEqual({
      id: 1,
      vkey: expect.stringMatching(/^[\da-f]{32}$/) as string,
      enroll: 'enrol:true@127.0.0.1:8025',
    })
    expect(JSON.stringify(await json('client show 1'))).not.toContain(added['vkey'])
    within((store) => rememberBridge(store, '192.0.2.1:9'))
    expect(await ok('client add')).toMatch(
      /^added client 2\nvkey \(shown this once\): [\da-f]{32}\nenrolment \(shown this once\): enrol:true@192.0.2.1:9\n$/,
    )
    expect(await json('client add --server a.b:1,[::1]:2')).toMatchObject({
      enroll: 'enrol:true@a.b:1,[::1]:2',
    })
    env['SLUICE_BRIDGE'] = 'c.d:3'
    within((store) => rememberBridge(store, '0.0.0.0:7'))
    expect(await json('client add')).toMatchObject({ enroll: 'enrol:true@127.0.0.1:7' })
  })

  it('add takes everything, and show tells it', async () => {
    const userId = await addUser('alice')
    input = 'open sesame\nmyvkey\n'
    const flags =
      '--user alice --remark laptop --up 250KB/s --down 1MiB/s --total 2MB/s --burst 1MiB --quota 10GiB/month ' +
      '--quota-anchor-day 15 --quota-zone Europe/Berlin --connections 60 --max-tunnels 3 --expires 2027-01-31 ' +
      '--visitors 10.0.0.0/8,::1 --deny 10.1.0.0/16 --login guest --password-stdin --vkey-stdin --crypt --selection random --may-configure'
    expect(await json(`client add ${flags}`)).toMatchObject({ id: 1, vkey: 'myvkey' })
    expect(within((store) => store.client(1).vkeyHash)).toBe(npcHash('myvkey'))
    expect(await json('client show 1')).toEqual({
      id: 1,
      createdAt: NOW,
      remark: 'laptop',
      enabled: true,
      state: 'active',
      userId,
      user: 'alice',
      limits: {
        up: 250_000,
        down: 1_048_576,
        total: 2_000_000,
        burst: 1_048_576,
        connections: 60,
        quotaBytes: 10 * 1024 ** 3,
        quotaPeriod: 'month',
        quotaAnchorDay: 15,
        quotaZone: 'Europe/Berlin',
      },
      expiresAt: Date.UTC(2027, 0, 31),
      allow: ['10.0.0.0/8', '::1/128'],
      deny: ['10.1.0.0/16'],
      login: 'guest',
      crypt: true,
      compress: false,
      selection: 'random',
      mayConfigure: true,
      maxTunnels: 3,
      inlet: 0,
      export: 0,
      aggregate: { inlet: 0, export: 0 },
      used: { period: 'month:2026-11-15', inlet: 0, export: 0, total: 0 },
      online: false,
      tunnels: [],
      hosts: [],
      programs: [],
    })
  })

  it('set changes what is said, takes away what is none, and needs something to do', async () => {
    await ok('client add --remark a --up 1MB/s --quota 1GiB/day --crypt')
    expect(await json('client set 1 --remark b --up none --no-crypt')).toMatchObject({
      remark: 'b',
      crypt: false,
      limits: { quotaBytes: 1024 ** 3, quotaPeriod: 'day' },
    })
    expect(await json('client set 1 --login guest')).toMatchObject({
      login: 'guest',
      password: expect.stringMatching(/^\w{24}$/) as string,
    })
    expect(await run('client set 1')).toMatchObject({ exit: 2 })
    expect(await run('client set 9 --remark x')).toMatchObject({
      exit: 1,
      err: 'nps-server: there is no client 9\n',
    })
    expect(await run('client set 1 --user eve')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('eve') as string,
    })
  })

  it('tells flow in whole bytes and who is connected', async () => {
    await ok('client add --quota 100B')
    await ok('tunnel add --client 1 --mode tcp --listen 127.0.0.1:8001 --target 80')
    within((store) => {
      store.book(
        [
          { kind: 'client', id: 1, inlet: 60, export: 50 },
          { kind: 'tunnel', id: 1, inlet: 60, export: 50 },
        ],
        NOW,
      )
      store.aggregate(new Map())
      const agent = {
        clientId: 1,
        kind: 'npc',
        since: NOW,
        version: '0.26.10',
        rttMs: 1.5,
        streams: 2,
      } as const
      store.presence.put('server', {
        agents: [{ ...agent, remote: { host: '192.0.2.7', port: 1 } }],
        problems: { 1: 'EADDRINUSE' },
        hostProblems: {},
      })
    })
    expect(await json('client show 1')).toMatchObject({
      inlet: 60,
      export: 50,
      state: 'quota',
      online: true,
      aggregate: { inlet: 60, export: 50 },
      tunnels: [1],
      programs: [
        { kind: 'npc', address: '192.0.2.7', since: NOW, version: '0.26.10', rttMs: 1.5, streams: 2 },
      ],
    })
    expect(await ok('client list')).toBe(
      'ID  REMARK  USER  STATE  ONLINE  INLET  EXPORT  QUOTA  USED   TUNNELS  HOSTS\n' +
        '1   -       -     quota  yes     60 B   50 B    100B   110 B  1        0\n',
    )
    expect(await ok('client show 1')).toContain(
      'program                   npc 0.26.10 at 192.0.2.7 since 2026-11-21T12:00:00.000Z, 2 streams, 1.5 ms\n',
    )
    expect(await json('tunnel show 1')).toMatchObject({ problem: 'EADDRINUSE', online: true, inlet: 60 })
    expect(await json('client reset-flow 1')).toMatchObject({ inlet: 0, export: 0, state: 'active' })
  })

  it('is disabled, enabled, given new keys, and removed with all it has', async () => {
    const { vkey } = await json('client add')
    await ok('host add --client 1 --host a.b --target 80')
    expect(await json('client disable 1')).toMatchObject({ enabled: false, state: 'disabled' })
    expect(await json('client enable 1')).toMatchObject({ enabled: true })
    const keys = await json('client new-key 1')
    expect(Object.keys(keys)).toEqual(['id', 'vkey', 'enroll'])
    expect(keys['vkey']).not.toBe(vkey)
    expect(await json('client remove 1')).toEqual({ id: 1, removed: true })
    expect([await json('client list'), await json('host list')]).toEqual([[], []])
    expect(await ok('client list')).toBe('no clients\n')
    expect(within((store) => store.audit.list().map(({ by, action }) => `${by} ${action}`))).toEqual([
      'cli client.remove',
      'cli client.new-key',
      'cli client.set',
      'cli client.set',
      'cli host.add',
      'cli client.add',
    ])
  })

  it('of a user who is gone is told to be so', async () => {
    await addUser('alice')
    await ok('client add --user alice')
    const users = await openStore(storeUrl({ data, store: undefined }))
    await users.remove('alice')
    await users.close()
    expect(await json('client show 1')).toMatchObject({ user: null })
    expect(await ok('client list')).toContain(' gone ')
  })

  it('runs what client programs do themselves', async () => {
    await run('client run --enroll-stdin')
    expect(ran).toEqual([['--enroll-stdin', '--data', data]])
  })
})

describe('tunnel', () => {
  beforeEach(() => ok('client add').then(() => undefined))

  it('show tells what a file tunnel shows, which may be all that its client does', async () => {
    await ok('tunnel add --client 1 --mode file --listen [::1]:8001')
    await ok(
      'tunnel add --client 1 --mode file --listen [::1]:8002 --folder docs/public --strip-prefix /files',
    )
    expect(await ok('tunnel show 1')).toMatch(/^folder +\/\ncut off paths +-\n/m)
    expect(await ok('tunnel show 2')).toMatch(/^folder +docs\/public\ncut off paths +\/files\n/m)
    expect(await ok('tunnel show 2')).not.toMatch(/^targets/m)
  })

  it('add prints the tunnel', async () => {
    expect(
      await json(
        'tunnel add --client 1 --mode tcp --listen [::1]:8001 --target 127.0.0.1:80,10.0.0.1:81 --balance leastConnections --health http:/up;every=30 --proxy-header 2',
      ),
    ).toEqual({
      id: 1,
      clientId: 1,
      mode: 'tcp',
      host: '::1',
      port: 8001,
      targets: ['127.0.0.1:80', '10.0.0.1:81'],
      balance: 'leastConnections',
      health: { type: 'http', path: '/up', intervalMs: 30_000, timeoutMs: 5000, failures: 3 },
      proxyHeader: 2,
      createdAt: NOW,
      remark: '',
      enabled: true,
      limits: {},
      state: 'active',
      online: false,
      inlet: 0,
      export: 0,
      used: { period: 'all', inlet: 0, export: 0, total: 0 },
    })
    expect(await ok('tunnel list')).toBe(
      'ID  CLIENT  MODE  LISTEN      TARGETS                   REMARK  STATE   ONLINE  INLET  EXPORT  QUOTA  USED\n' +
        '1   1       tcp   [::1]:8001  127.0.0.1:80,10.0.0.1:81  -       active  no      0 B    0 B     -      0 B\n',
    )
  })

  it('add makes one for each of a range', async () => {
    const added = await ok(
      'tunnel add --client 1 --mode udp --listen 127.0.0.1:8001-8003 --target 127.0.0.1:53 --json',
    )
    expect(JSON.parse(added)).toMatchObject([{ port: 8001 }, { port: 8002 }, { port: 8003 }])
    expect(await ok('tunnel add --client 1 --mode tcp --listen 127.0.0.1:8001-8002 --target 7001-7002')).toBe(
      'added tunnel 4\nadded tunnel 5\n',
    )
    expect(await json('tunnel show 5')).toMatchObject({ port: 8002, targets: ['7002'] })
  })

  it('add makes the password of a secret tunnel, or reads it', async () => {
    const { password, ...rest } = await json('tunnel add --client 1 --mode secret --target 22')
    expect(within((store) => store.tunnel(1).passwordHash)).toBe(npcHash(String(password)))
    expect(JSON.stringify(rest)).not.toContain('asswordHash')
    input = 'hunter2\n'
    expect(await ok('tunnel add --client 1 --mode p2p --target 22 --password-stdin')).toBe('added tunnel 2\n')
    expect(within((store) => store.tunnel(2).passwordHash)).toBe(npcHash('hunter2'))
  })

  it('add makes the password of a login, or reads it', async () => {
    expect(
      await json('tunnel add --client 1 --mode socks5 --listen 127.0.0.1:8001 --login guest'),
    ).toMatchObject({
      logins: ['guest'],
      password: expect.stringMatching(/^\w{24}$/) as string,
    })
    expect(await json('tunnel set 1 --login none')).not.toHaveProperty('logins')
  })

  it('set changes it, and a port that is taken is not', async () => {
    await ok('tunnel add --client 1 --mode tcp --listen 127.0.0.1:8001 --target 80')
    await ok('tunnel add --client 1 --mode tcp --listen 127.0.0.1:8002 --target 80')
    expect(await json('tunnel set 1 --listen 0.0.0.0:8003 --target 81 --total 1MiB/s')).toMatchObject({
      host: '0.0.0.0',
      port: 8003,
      targets: ['81'],
      limits: { total: 1_048_576 },
    })
    expect(await run('tunnel set 1 --listen 127.0.0.1:8002')).toMatchObject({
      exit: 1,
      err: 'nps-server: port 8002 belongs to tunnel 2\n',
    })
    await ok('tunnel disable 2')
    expect(await json('tunnel set 1 --listen 127.0.0.1:8002')).toMatchObject({ port: 8002 })
    expect(await run('tunnel enable 2')).toMatchObject({ exit: 1 })
    expect(await json('tunnel remove 2')).toEqual({ id: 2, removed: true })
  })

  it.each([
    ['--mode tcp --listen 127.0.0.1:80 --target 80', /80 is not among those that --ports allows/],
    ['--mode tcp --listen 127.0.0.1:8001', /--target: wanted one/],
    ['--mode tcp --target 80', /--listen: wanted for tcp/],
    ['--mode tcp --listen 8001 --target 80', /--listen: "8001" is not HOST:PORT/],
    [
      '--mode tcp --listen 127.0.0.1:8001 --target nowhere',
      /--target\.0: wanted targets as HOST:PORT or PORT/,
    ],
    ['--mode tcp --listen 127.0.0.1:8001 --target 80 --health ping', /--health/],
    ['--mode nonsense --target 80', /--mode/],
    ['--mode tcp --listen 127.0.0.1:8001 --target 80 --password-stdin', /--login/],
  ])('add %s is refused', async (flags, message) => {
    const { exit, err } = await run(`tunnel add --client 1 ${flags}`)
    expect([exit, err.split('\n').length]).toEqual([2, 2])
    expect(err).toMatch(message)
    expect(await json('tunnel list')).toEqual([])
  })
})

describe('host', () => {
  beforeEach(() => ok('client add').then(() => undefined))

  it('add prints the host', async () => {
    expect(
      await json(
        'host add --client 1 --host WWW.Example.org --location /wiki --scheme https --target 80 --host-change in.example --auto-https --cache 1MiB',
        '--header',
        'X-A: b, c',
        '--header',
        'X-D: e:f',
      ),
    ).toEqual({
      id: 1,
      clientId: 1,
      host: 'www.example.org',
      location: '/wiki',
      scheme: 'https',
      targets: ['80'],
      balance: 'roundRobin',
      hostChange: 'in.example',
      headers: [
        ['X-A', 'b, c'],
        ['X-D', 'e:f'],
      ],
      passThrough: false,
      autoHttps: true,
      autoCert: false,
      cacheBytes: 1_048_576,
      createdAt: NOW,
      remark: '',
      enabled: true,
      limits: {},
      state: 'active',
      online: false,
      inlet: 0,
      export: 0,
      used: { period: 'all', inlet: 0, export: 0, total: 0 },
    })
    expect(await ok('host list --client 1')).toBe(
      'ID  CLIENT  HOST             LOCATION  SCHEME  TARGETS  REMARK  STATE   ONLINE  INLET  EXPORT  QUOTA  USED\n' +
        '1   1       www.example.org  /wiki     https   80       -       active  no      0 B    0 B     -      0 B\n',
    )
    expect(await ok('host list --client 2')).toBe('no hosts\n')
    expect(
      await run('host add --client 1 --host www.example.org --location /wiki --target 81'),
    ).toMatchObject({ exit: 1 })
  })

  it('set, show and remove', async () => {
    await ok('host add --client 1 --host a.b --target 80')
    const { cert, key } = certificate()
    expect(
      await json(`host set 1 --target 81,82 --cert ${relative('.', cert)} --key ${key} --header none`),
    ).toMatchObject({ targets: ['81', '82'], certFile: cert, keyFile: key })
    expect(await ok('host show 1')).toContain(`certificate         ${cert}\n`)
    const refused = await run(`host set 1 --cert ${join(data, 'gone.pem')}`)
    expect(refused).toMatchObject({ exit: 2, err: expect.stringMatching(/--cert: cannot read .*gone\.pem/) })
    expect(await run('host set 1 --key none')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('--cert: wanted with --key, or neither'),
    })
    expect(await run('host add --client 7 --host c.d --target 80')).toMatchObject({ exit: 1 })
    expect(await run('host add --client 1 --target 80')).toMatchObject({ exit: 2 })
    expect(await ok('host remove 1')).toBe('removed host 1\n')
  })
})

describe('token', () => {
  it('is printed once, kept as a hash, and removed', async () => {
    const { token, ...rest } = await json('token add --name ci --scopes write,read --expires 2027-01-31')
    expect(rest).toEqual({
      id: 1,
      name: 'ci',
      scopes: ['read', 'write'],
      createdAt: NOW,
      expiresAt: Date.UTC(2027, 0, 31),
    })
    const hash = createHash('sha256').update(String(token)).digest('hex')
    expect(within((store) => store.tokens.byHash(hash))).toEqual(rest)
    expect(await json('token list')).toEqual([rest])
    expect(await ok('token add --name look')).toMatch(
      /^added token 2\ntoken \(shown this once\): [\w-]{43}\n$/,
    )
    expect(await ok('token list')).toBe(
      'ID  NAME  SCOPES      TOTP  CREATED                   EXPIRES\n' +
        '1   ci    read,write  no    2026-11-21T12:00:00.000Z  2027-01-31T00:00:00.000Z\n' +
        '2   look  read        no    2026-11-21T12:00:00.000Z  -\n',
    )
    await ok('token remove 1')
    expect(await run('token remove 1')).toMatchObject({ exit: 1 })
    expect(await run('token add --name x --scopes admin')).toMatchObject({ exit: 2 })
    expect(JSON.stringify(within((store) => store.audit.list()))).not.toContain(String(token))
  })
})

describe('a token with codes', () => {
  it('has a key for an app, which is printed once', async () => {
    const { token, key, ...rest } = await json('token add --name ann --totp')
    expect(rest).toEqual({ id: 1, name: 'ann', scopes: ['read'], createdAt: NOW, totp: true })
    const { secret, uri } = key as { secret: string; uri: string }
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(uri).toBe(`otpauth://totp/Sluice%3Aann?secret=${secret}&issuer=Sluice&digits=6&period=30`)
    expect(await ok('token add --name bob --totp')).toMatch(
      /^added token 2\ntoken \(shown this once\): [\w-]{43}\nkey for the app \(shown this once\): [A-Z2-7]{32}\notpauth:.*\n$/,
    )
    const kept = JSON.stringify([await json('token list'), within((store) => store.audit.list())])
    expect(kept).toContain('"totp":true')
    for (const hidden of [String(token), secret]) expect(kept).not.toContain(hidden)
  })
})

describe('all of them', () => {
  it.each([
    ['client', 'client add'],
    ['tunnel', 'tunnel set'],
    ['host', 'host add'],
    ['tunnel', 'tunnel add'],
    ['token', 'token list'],
  ])('%s and %s explain themselves', async (group, line) => {
    expect(await ok(`${group} --help`)).toContain(`nps-server ${group} COMMAND [flags]`)
    expect(await ok(`${line} --help`)).toContain('--json')
  })

  it.each([
    'client shwo 1',
    'client show',
    'client show x',
    'client show 1 2',
    'client list 1',
    'tunnel list --nonsense',
  ])('%s is bad usage', async (line) => {
    const exit = await run(line).then(
      (result) => result.exit,
      (error: { code: string }) => error.code,
    )
    expect(['USAGE', 2]).toContain(exit)
  })
})
