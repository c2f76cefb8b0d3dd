import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { baseSchema } from '@sluice/service'
import { PasswordVerifier } from '@sluice/userstore'
import { expect, test } from 'vitest'
import { RecordStore } from '../store/record-store.ts'
import { importCommand } from './import-command.ts'

/** As nps writes objects: each with a line of its own behind it. */
const records = (...all: object[]): string => all.map((each) => `${JSON.stringify(each)}\n*#*`).join('')

const FLOW = { ExportFlow: 0, InletFlow: 0, FlowLimit: 0 }

const client = (Id: number, more: object = {}) => ({
  ...{ Cnf: { U: '', P: '', Compress: false, Crypt: false }, Id, VerifyKey: `vkey-${Id}`, Addr: '192.0.2.1' },
  ...{
    Remark: `client ${Id}`,
    Status: true,
    IsConnect: true,
    RateLimit: 0,
    Flow: FLOW,
    Rate: { NowRate: 0 },
  },
  ...{ NoStore: false, NoDisplay: false, MaxConn: 0, NowConn: 3, WebUserName: '', WebPassword: '' },
  ...{ ConfigConnAllow: true, MaxTunnelNum: 0, Version: '0.26.10', ...more },
})

const tunnel = (Id: number, of: number, more: object = {}) => ({
  ...{ Id, Port: 9000 + Id, ServerIp: '', Mode: 'tcp', Status: true, RunStatus: true, Client: client(of) },
  ...{ Ports: '', Flow: FLOW, Password: '', Remark: '', TargetAddr: '', NoStore: false, LocalPath: '' },
  ...{ StripPre: '', Target: { TargetStr: '127.0.0.1:22', TargetArr: null, LocalProxy: false } },
  ...{ MultiAccount: null, HealthCheckTimeout: 0, HealthMaxFail: 0, HealthCheckInterval: 0, ...more },
})

const host = (Id: number, of: number, more: object = {}) => ({
  ...{
    Id,
    Host: `h${Id}.example`,
    HeaderChange: '',
    HostChange: '',
    Location: '/',
    Remark: '',
    Scheme: 'all',
  },
  ...{ CertFilePath: '', KeyFilePath: '', NoStore: false, IsClose: false, Flow: FLOW, Client: client(of) },
  ...{ Target: { TargetStr: '127.0.0.1:80\n127.0.0.1:81', TargetArr: null, LocalProxy: false }, ...more },
})

const keyHash = (key: string): string =>
  createHash('sha256').update(createHash('md5').update(key).digest('hex')).digest('hex')

/** A folder with these files, and where to import them to. */
class Sandbox implements Disposable {
  readonly root: string = mkdtempSync(join(tmpdir(), 'import-'))
  readonly data: string = join(this.root, 'data')

  constructor(files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) this.write(name, text)
  }

  write(name: string, text: string): void {
    mkdirSync(join(this.root, name, '..'), { recursive: true })
    writeFileSync(join(this.root, name), text)
  }

  async run(...argv: string[]) {
    const [out, err]: [string[], string[]] = [[], []]
    const command = importCommand({
      env: {},
      stdout: { write: (text) => void out.push(text) },
      stderr: { write: (text) => void err.push(text) },
      schema: baseSchema(),
    })
    const code = await command.run([...argv, '--data', this.data])
    return { code, out: out.join(''), err: err.join('') }
  }

  open(): RecordStore & Disposable {
    const store = RecordStore.open(join(this.data, 'tunnels.db'))
    return Object.assign(store, { [Symbol.dispose]: () => store.close() })
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true })
  }
}

test('clients, tunnels and hosts come with their ids, limits, flows and secrets', async () => {
  using sandbox = new Sandbox({
    'clients.json': records(
      client(2, {
        ...{ Cnf: { U: 'visitor', P: 'v-pass', Compress: true, Crypt: true }, RateLimit: 100, MaxConn: 5 },
        ...{ Flow: { ExportFlow: 700, InletFlow: 500, FlowLimit: 3 }, MaxTunnelNum: 1 },
        ...{ WebUserName: 'web', WebPassword: 'w-pass', ExpireTime: '2030-01-02T03:04:05Z' },
        ...{ BlackIpList: ['198.51.100.1'], IpWhite: true, IpWhiteList: ['192.0.2.0/24'] },
      }),
      client(7, { Remark: '&#34;seven&#34;', Status: false, ConfigConnAllow: false }),
    ),
    'tasks.json': records(
      tunnel(3, 2, {
        Flow: { ExportFlow: 7, InletFlow: 5, FlowLimit: 0 },
        Remark: 'R&amp;D &#34;ssh&#34;',
        ServerIp: '127.0.0.2',
      }),
      tunnel(4, 2, { Mode: 'secret', Password: 'p-pass', Port: 0 }),
      tunnel(9, 7, {
        ...{ Mode: 'socks5', Status: false, MultiAccount: { AccountMap: { a: 'a-pass' } } },
        ...{ Target: { TargetStr: '', TargetArr: null, LocalProxy: false } },
      }),
    ),
    'hosts.json': records(
      host(1, 7, {
        ...{
          Host: 'A.Example:8080',
          Remark: '&lt;web&gt;',
          HeaderChange: 'X-A:1\nX-Url:http://x:1/',
          HostChange: 'b.example',
        },
        ...{ Location: '/app', Scheme: 'https', IsClose: true, AutoHttps: true },
        ...{ Flow: { ExportFlow: 2, InletFlow: 1, FlowLimit: 0 } },
      }),
    ),
    'global.json': JSON.stringify({ BlackIpList: ['203.0.113.0/24'], ServerUrl: '' }),
  })
  const { code, out, err } = await sandbox.run(sandbox.root)
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain('clients.json: client 2 becomes client 2\n')
  expect(out).toContain('2 clients, 3 tunnels, 1 host made\n')
  using store = sandbox.open()
  const [two, seven] = store.clients()
  expect(two).toMatchObject({
    ...{ id: 2, remark: 'client 2', enabled: true, vkeyHash: keyHash('vkey-2'), crypt: true, compress: true },
    limits: { total: 102_400, quotaBytes: 3 * 2 ** 20, connections: 5 },
    ...{ maxTunnels: 1, mayConfigure: true, expiresAt: Date.UTC(2030, 0, 2, 3, 4, 5) },
    ...{ login: { name: 'visitor' }, webLogin: { name: 'web' } },
    ...{ allow: ['192.0.2.0/24'], deny: ['198.51.100.1/32', '203.0.113.0/24'] },
  })
  expect(seven).toMatchObject({ id: 7, remark: '"seven"', enabled: false, mayConfigure: false, limits: {} })
  expect(await new PasswordVerifier().verify(two!.login!.hash, Buffer.from('v-pass'))).toBe(true)
  expect(store.tunnels()).toMatchObject([
    {
      id: 3,
      clientId: 2,
      mode: 'tcp',
      port: 9003,
      targets: ['127.0.0.1:22'],
      remark: 'R&D "ssh"',
      enabled: true,
    },
    { id: 4, clientId: 2, mode: 'secret', passwordHash: keyHash('p-pass') },
    { id: 9, clientId: 7, mode: 'socks5', port: 9009, enabled: false, targets: [], logins: [{ name: 'a' }] },
  ])
  expect(store.tunnels().map((each) => each.host)).toEqual(['127.0.0.2', undefined, '0.0.0.0'])
  expect(store.hosts()).toMatchObject([
    {
      ...{
        id: 1,
        clientId: 7,
        host: 'a.example',
        remark: '<web>',
        location: '/app',
        scheme: 'https',
        enabled: false,
      },
      ...{ headers: [['X-A', '1'], ['X-Url', 'http://x:1/']], hostChange: 'b.example' }, // prettier-ignore
      ...{ targets: ['127.0.0.1:80', '127.0.0.1:81'], autoHttps: true, passThrough: false },
    },
  ])
  expect(store.flowOf('client', 2)).toEqual({ inlet: 500, export: 700 })
  expect(store.flowOf('tunnel', 3)).toEqual({ inlet: 5, export: 7 })
  expect(store.flowOf('host', 1)).toEqual({ inlet: 1, export: 2 })
  expect(store.periodFlowOf('client', 2)).toMatchObject({ period: 'all', inlet: 500, export: 700 })
  expect(store.audit.list()).toMatchObject([{ by: 'cli', action: 'import' }])
  const all = JSON.stringify([store.clients(), store.tunnels(), out])
  for (const secret of ['vkey-', 'v-pass', 'w-pass', 'p-pass', 'a-pass']) expect(all).not.toContain(secret)
})

test('a trial says what would be made, and leaves nothing behind', async () => {
  using sandbox = new Sandbox({
    'conf/clients.json': records(client(1)),
    'conf/tasks.json': records(tunnel(1, 1)),
  })
  const { code, out } = await sandbox.run(sandbox.root, '--dry-run')
  expect(code).toBe(0)
  expect(out).toContain('1 client, 1 tunnel, 0 hosts would be made; nothing was changed')
  expect(existsSync(sandbox.data)).toBe(false)
  await sandbox.run(sandbox.root)
  const again = await sandbox.run(sandbox.root, '--dry-run')
  expect(again).toMatchObject({ code: 1, out: '' })
  expect(again.err).toContain('client 1 has its key: it was imported before')
  sandbox.write('more/clients.json', records(client(5)))
  expect((await sandbox.run(join(sandbox.root, 'more'), '--dry-run')).out).toContain(
    'client 5 becomes client 5',
  )
  using store = sandbox.open()
  expect(store.clients()).toMatchObject([{ id: 1 }])
})

test('a second import is refused, and changes nothing', async () => {
  using sandbox = new Sandbox({ 'clients.json': records(client(1)), 'tasks.json': records(tunnel(1, 1)) })
  expect((await sandbox.run(sandbox.root)).code).toBe(0)
  sandbox.write('clients.json', records(client(1), client(5)))
  const { code, err } = await sandbox.run(sandbox.root)
  expect(code).toBe(1)
  expect(err).toBe(
    'nps-server: clients.json: client 1: client 1 has its key: it was imported before\nnps-server: nothing was changed\n',
  )
  using store = sandbox.open()
  expect([store.clients().length, store.tunnels().length]).toEqual([1, 1])
})

test('each mistake of the files is told, and nothing is changed', async () => {
  using sandbox = new Sandbox({
    'clients.json': `${records(client(1), client(2, { VerifyKey: 'vkey-1' }), client(1), client(4, { ExpireTime: 'soon' }))}{"Id":\n*#*{"Id":"x"}\n*#*`,
    'hosts.json': records(host(1, 1, { Scheme: 'ftp', HeaderChange: 'no colon' })),
    'global.json': '[',
    'nps.conf': 'bridge_port=many\n',
  })
  const { code, out, err } = await sandbox.run(sandbox.root)
  expect([code, out]).toEqual([1, ''])
  for (const told of [
    'clients.json: client 2: client 1 has the same VerifyKey',
    'clients.json: client 1: another client has this Id',
    'clients.json: client 4: its ExpireTime cannot be read',
    'clients.json:5: ',
    'clients.json:6: ',
    'hosts.json: host 1: its Scheme is none of all, http and https',
    'hosts.json: host 1: a line of its HeaderChange has no colon',
    'global.json: ',
    'nps.conf:1: ',
    'nothing was changed',
  ]) {
    expect(err).toContain(told)
  }
  expect(err).not.toContain('vkey-1')
  expect(existsSync(join(sandbox.data, 'tunnels.db'))).toBe(false)
})

test('each record that the store does not take is told, and nothing is changed', async () => {
  using sandbox = new Sandbox({
    'clients.json': records(client(1)),
    'tasks.json': records(
      ...[tunnel(1, 1), tunnel(2, 1, { Port: 9001 }), tunnel(3, 1, { Port: 0, Target: { TargetStr: '' } })],
    ),
    'hosts.json': records(host(1, 1), host(2, 1, { Host: 'h1.example' }), host(3, 1, { Host: 'no host' })),
  })
  const { code, err } = await sandbox.run(sandbox.root)
  expect(code).toBe(1)
  expect(err.split('\n').filter((line) => line !== '')).toHaveLength(5)
  expect(err).toContain('tasks.json: tunnel 2: port 9001 belongs to tunnel 1')
  expect(err).toContain('hosts.json: host 2: h1.example/ belongs to host 1')
  using store = sandbox.open()
  expect([store.clients(), store.tunnels(), store.audit.list()]).toEqual([[], [], []])
})

test('what there is not here is named and left out', async () => {
  using sandbox = new Sandbox({
    'clients.json': records(client(1, { IpWhitePass: 'x' }), client(2, { NoStore: true })),
    'tasks.json': records(
      tunnel(1, 1, { Mode: 'tcpTrans' }),
      tunnel(2, 1, { Target: { TargetStr: '22', LocalProxy: true } }),
      tunnel(3, 1, { Mode: 'secret' }),
      tunnel(4, 2, { NoStore: true }),
      tunnel(5, 1, { Mode: 'httpProxy' }),
      tunnel(6, 9),
    ),
    'hosts.json': records(
      host(1, 1, { Host: 'a*.example' }),
      host(2, 1, { CertFilePath: '-----BEGIN', KeyFilePath: 'x' }),
      host(3, 9),
    ),
  })
  const { code, out } = await sandbox.run(sandbox.root)
  expect(code).toBe(0)
  for (const told of [
    'client 1: visitors cannot allow themselves by its IpWhitePass',
    'client 2 lasts only as long as nps runs, and is left out',
    'tunnel 1 is of mode "tcpTrans", which there is not here, and is left out',
    'tunnel 2 dials from the server itself',
    'tunnel 3 is private but has no password, and is left out',
    'tunnel 4 lasts only as long as its client is connected',
    'tunnel 5 is a proxy for everybody',
    'tunnel 6 is of client 9, which clients.json does not have, and is left out',
    'host 3 is of client 9',
    'host 1 has a wildcard that is not `*.` and a name, and is left out',
    'host 2: its certificate is in the file itself',
    '1 client, 1 tunnel, 1 host made',
  ]) {
    expect(out).toContain(told)
  }
})

test('settings of nps.conf become flags, without its secrets', async () => {
  using sandbox = new Sandbox({
    'my nps.conf': [
      '#comment',
      ...['appname = nps', 'bridge_type=tcp', 'bridge_port=8024', 'bridge_ip=0.0.0.0', 'http_proxy_port=80'],
      ...[
        'https_proxy_port=443',
        'https_default_cert_file=conf/server.pem',
        "https_default_key_file=it's key",
      ],
      ...[
        'web_port = 8080',
        'web_ip=192.0.2.1',
        'web_username=admin',
        'web_password=s3cret',
        'auth_key=s3cret',
      ],
      ...['allow_ports=9001-9009,10001', 'log_level=7', 'public_vkey=s3cret', 'p2p_port=6000', 'strange=1'],
    ].join('\n'),
  })
  const { code, out } = await sandbox.run(join(sandbox.root, 'my nps.conf'))
  expect(code).toBe(0)
  expect(out.split('\n').at(-2)).toBe(
    String.raw`nps-server --npc-bridge 0.0.0.0:8024 --http 0.0.0.0:80 --https 0.0.0.0:443 --web 192.0.2.1:8080 --p2p 0.0.0.0:6000 --https-cert conf/server.pem --https-key 'it'\''s key' --ports 9001-9009,10001 --log-level debug`,
  )
  for (const told of ['auth_key: ', 'web_username', 'plain HTTP', 'public_vkey', 'nobody knows "strange"']) {
    expect(out).toContain(told)
  }
  expect(out).not.toContain('s3cret')
})

test('with http_cache hosts keep answers', async () => {
  using sandbox = new Sandbox({
    'nps.conf': 'http_cache=true\nhttp_cache_length=100\n',
    'clients.json': records(client(1)),
    'hosts.json': records(host(1, 1)),
  })
  expect(await sandbox.run(sandbox.root)).toMatchObject({
    code: 0,
    out: expect.stringContaining('http_cache: each host') as string,
  })
  using store = sandbox.open()
  expect(store.hosts()).toMatchObject([{ cacheBytes: 16 * 1024 * 1024 }])
})

test('with https_just_proxy hosts without a certificate pass TLS through', async () => {
  using sandbox = new Sandbox({
    'nps.conf': 'https_just_proxy=true\n',
    'clients.json': records(client(1)),
    'hosts.json': records(
      ...[host(1, 1), host(2, 1, { Scheme: 'http' }), host(3, 1, { CertFilePath: 'c', KeyFilePath: 'k' })],
    ),
  })
  expect((await sandbox.run(sandbox.root)).code).toBe(0)
  using store = sandbox.open()
  expect(store.hosts().map(({ passThrough }) => passThrough)).toEqual([true, false, false])
})

const NPC_CONF = `
[common]
server_addr=127.0.0.1:8024
conn_type=tcp
vkey=of-npc
remark=box
rate_limit=10
basic_username=u
basic_password=p
crypt=true

[health_1]
health_check_timeout=1
health_check_max_failed=3
health_check_interval=2
health_check_type=tcp
health_check_target=127.0.0.1:8083

[web]
host=c.example
target_addr=127.0.0.1:8083,127.0.0.1:8082
header_set_proxy=nps

[many]
mode=tcp
server_port=9001-9003,9010
target_port=8001-8003,8010
target_ip=10.0.0.2

[socks]
mode=socks5
server_port=9020
multi_account=accounts.conf

[secret_ssh]
mode=secret
password=hidden
target_addr=127.0.0.1:22

[secret_visit]
local_port=2001
password=hidden
`

test('what npc brings by its file is made for its client', async () => {
  using sandbox = new Sandbox({ 'npc.conf': NPC_CONF, 'accounts.conf': 'a=1\nb=2\n' })
  const { code, out, err } = await sandbox.run(join(sandbox.root, 'npc.conf'))
  expect([code, err]).toEqual([0, ''])
  expect(out).toContain('[secret_visit] is for the program of a visitor')
  using store = sandbox.open()
  expect(store.clients()).toMatchObject([
    {
      remark: 'box',
      vkeyHash: keyHash('of-npc'),
      limits: { total: 10_240 },
      login: { name: 'u' },
      crypt: true,
    },
  ])
  expect(store.tunnels().map(({ mode, port, targets }) => [mode, port, targets])).toEqual([
    ['tcp', 9001, ['10.0.0.2:8001']],
    ['tcp', 9002, ['10.0.0.2:8002']],
    ['tcp', 9003, ['10.0.0.2:8003']],
    ['tcp', 9010, ['10.0.0.2:8010']],
    ['socks5', 9020, []],
    ['secret', undefined, ['127.0.0.1:22']],
  ])
  expect(store.tunnels()[4]).toMatchObject({ remark: 'socks', logins: [{ name: 'a' }, { name: 'b' }] })
  expect(store.hosts()).toMatchObject([
    {
      ...{
        host: 'c.example',
        targets: ['127.0.0.1:8083', '127.0.0.1:8082'],
        headers: [['set_proxy', 'nps']],
      },
      health: { type: 'tcp', intervalMs: 2000, timeoutMs: 1000, failures: 3 },
    },
  ])
  const again = await sandbox.run(join(sandbox.root, 'npc.conf'))
  expect(again.code).toBe(1)
  expect(again.err).toContain('npc.conf: [many] port 9001: port 9001 belongs to tunnel 1')
})

test('an npc.conf beside the files of nps is for a client of these: others, such as the example, are left out', async () => {
  using sandbox = new Sandbox({
    'clients.json': records(client(3)),
    'npc.conf': '[common]\nvkey=123\n[web]\nmode=file\nserver_port=9100\n',
  })
  const { code, out } = await sandbox.run(sandbox.root)
  expect(code).toBe(0)
  expect(out).toContain('npc.conf: no client has its key, so it is left out')
  using store = sandbox.open()
  expect([store.clients().length, store.tunnels().length]).toEqual([1, 0])
})

test('paths of certificates are those of the folder that nps runs in', async () => {
  using sandbox = new Sandbox({
    ...{ 'conf/server.pem': '', 'conf/server.key': '' },
    'conf/nps.conf': 'https_default_cert_file=conf/server.pem\nhttps_default_key_file=conf/server.key\n',
    'conf/clients.json': records(client(1)),
    'conf/hosts.json': records(
      ...[host(1, 1, { CertFilePath: 'conf/server.pem', KeyFilePath: 'conf/server.key' })],
      ...[host(2, 1, { CertFilePath: 'gone.pem', KeyFilePath: '/gone.key' })],
    ),
  })
  const conf = join(sandbox.root, 'conf')
  const { code, out } = await sandbox.run(conf)
  expect(code).toBe(0)
  expect(out).toContain(`--https-cert ${conf}/server.pem --https-key ${conf}/server.key`)
  using store = sandbox.open()
  expect(store.hosts()).toMatchObject([
    { certFile: `${conf}/server.pem`, keyFile: `${conf}/server.key` },
    { certFile: 'gone.pem', keyFile: '/gone.key' },
  ])
})

test('tunnels without the file of their clients are refused', async () => {
  using sandbox = new Sandbox({ 'tasks.json': records(tunnel(1, 1)) })
  const { code, err } = await sandbox.run(join(sandbox.root, 'tasks.json'))
  expect(code).toBe(1)
  expect(err).toContain('there is no clients.json')
})

test('what npc brings goes to the client that has its key', async () => {
  using sandbox = new Sandbox({ 'clients.json': records(client(3, { VerifyKey: 'of-npc' })) })
  await sandbox.run(sandbox.root)
  sandbox.write('npc.conf', '[common]\nvkey=of-npc\n[ssh]\nmode=tcp\nserver_port=9100\ntarget_addr=22\n')
  expect((await sandbox.run(join(sandbox.root, 'npc.conf'))).code).toBe(0)
  using store = sandbox.open()
  expect(store.clients()).toMatchObject([{ id: 3, remark: 'client 3' }])
  expect(store.tunnels()).toMatchObject([{ clientId: 3, port: 9100, targets: ['22'] }])
})

test.each([
  ['[common]\nserver_addr=a:1\n', '[common] has no vkey'],
  [
    '[common]\nvkey=x\n[a]\nmode=tcp\nserver_port=1-3\ntarget_port=1-2\n',
    'as many target ports as server ports',
  ],
  ['[common]\nvkey=x\n[a]\nmode=ftp\n', 'there is no such mode'],
  ['[common]\nvkey=x\n[a]\nmode=tcp\ntarget_addr=22\n', 'it has no server_port'],
  [
    '[common]\nvkey=x\n[a]\nmode=socks5\nserver_port=1\nmulti_account=gone\n',
    'its multi_account file cannot be read',
  ],
  ['[common]\nvkey=x\n[a\n', 'npc.conf:3: '],
])('a broken npc.conf: %j', async (text, told) => {
  using sandbox = new Sandbox({ 'npc.conf': text })
  const { code, err } = await sandbox.run(sandbox.root)
  expect(code).toBe(1)
  expect(err).toContain(told)
  expect(existsSync(join(sandbox.data, 'tunnels.db'))).toBe(false)
})

test('what is no folder and no file of nps is refused', async () => {
  using sandbox = new Sandbox({ 'other.txt': 'x', 'conf/clients.json': '' })
  await expect(sandbox.run(join(sandbox.root, 'other.txt'))).rejects.toMatchObject({ code: 'USAGE' })
  await expect(sandbox.run(join(sandbox.root, 'gone'))).rejects.toMatchObject({ code: 'USAGE' })
  await expect(sandbox.run()).rejects.toMatchObject({ code: 'USAGE' })
  writeFileSync(join(sandbox.root, 'conf/clients.json'), Buffer.from([0xff, 0xfe]))
  await expect(sandbox.run(sandbox.root)).rejects.toThrow('it is not UTF-8')
})
