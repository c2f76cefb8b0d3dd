import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PasswordVerifier, StoreError, openStore } from '@sluice/userstore'
import type { User, UserStore } from '@sluice/userstore'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { UserCommandIo } from './cli-command.ts'
import { address } from './config-types.ts'
import { baseSchema, flag } from './config.ts'
import { runUserCommand } from './user-cli.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const schema = baseSchema({ ops: '127.0.0.1:9102' }).extend({ http: address.prefault('127.0.0.1:8889') })

/** The same store for every command, since opening one takes longer than all that is tested here. */
const keptOpen = (store: UserStore): UserStore =>
  new Proxy(store, {
    get: (target, key) => {
      if (key === 'close') return async () => undefined
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

describe('user', () => {
  let data: string
  let store: UserStore
  let places: unknown[]
  let io: UserCommandIo
  let input: Uint8Array | string

  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'cli-'))
    store = await openStore(`sqlite:${join(data, 'sluice.db')}`, { clock: { now: () => NOW } })
  })

  afterAll(async () => {
    await store.close()
    rmSync(data, { recursive: true })
  })

  beforeEach(() => {
    places = []
    input = ''
    io = {
      app: 'remote-proxy',
      schema,
      env: {},
      stdin: stream(),
      stdout: { write: () => undefined },
      stderr: { write: () => undefined },
      openStore: async (place) => {
        places.push(place)
        return keptOpen(store)
      },
      link: (name, password, argv, user) => ({
        urls: { http: `http://${name}:${password}@proxy` },
        json: { flags: argv, kinds: user.credentials.map(({ kind }) => kind) },
        lines: [`curl -U ${name}:${password}`],
      }),
      now: () => NOW,
    }
  })

  afterEach(async () => {
    for (const { name } of (await store.list()).users) await store.remove(name)
  })

  async function* stream(): AsyncIterable<Uint8Array | string> {
    yield input
  }

  async function run(...argv: string[]): Promise<{ exit: number; out: string; err: string }> {
    let [out, err] = ['', '']
    const exit = await runUserCommand(argv, {
      ...io,
      stdin: stream(),
      stdout: { write: (text: string) => void (out += text) },
      stderr: { write: (text: string) => void (err += text) },
    })
    return { exit, out, err }
  }

  async function ok(...argv: string[]): Promise<string> {
    const { exit, out, err } = await run(...argv)
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
    return out
  }

  async function json(...argv: string[]): Promise<Record<string, unknown>> {
    const out = await ok(...argv, '--json')
    expect(out.split('\n')).toHaveLength(2)
    return Object(JSON.parse(out))
  }

  async function stored(name: string): Promise<User> {
    const { users } = await store.list()
    const user = users.find((each) => each.name === name)
    if (!user) throw new Error(`no ${name}`)
    return user
  }

  const opens = async (name: string, password: string | Uint8Array): Promise<boolean> => {
    const { credentials } = await stored(name)
    const hash = credentials.find((each) => each.kind === 'password')?.hash ?? ''
    return new PasswordVerifier().verify(hash, Buffer.from(password))
  }

  it('adds a user with a password of its own making, told once', async () => {
    const out = await ok('add', 'anna', '--up', '250KB/s')
    const [, password = ''] = /^added anna\npassword \(shown this once\): (\S+)\n$/.exec(out) ?? []
    expect(password).toMatch(/^[a-zA-Z2-9]{20,}$/)
    expect(await opens('anna', password)).toBe(true)
    expect(await ok('show', 'anna')).not.toContain(password)
    const other = await json('add', 'bert')
    expect(other['password']).toMatch(/^[a-zA-Z2-9]{20,}$/)
    expect(other['password']).not.toBe(password)
  })

  it('adds a user with everything', async () => {
    const flags =
      '--up 250KB/s --down 1MiB/s --total 2MB/s --burst 1MiB --quota 10GiB/month --quota-anchor-day 15'
    const more = '--quota-zone Europe/Berlin --connections 60 --ips 3 --expires 2027-01-31'
    await ok('add', 'anna', ...flags.split(' '), ...more.split(' '))
    expect(await stored('anna')).toMatchObject({
      enabled: true,
      expiresAt: Date.UTC(2027, 0, 31),
      limits: {
        up: 250_000,
        down: 1024 * 1024,
        total: 2_000_000,
        burst: 1024 * 1024,
        quotaBytes: 10 * 1024 ** 3,
        quotaPeriod: 'month',
        quotaAnchorDay: 15,
        quotaZone: 'Europe/Berlin',
        connections: 60,
        ips: 3,
      },
    })
  })

  it.each([
    ['s3cret\n', 's3cret'],
    ['s3cret\r\n', 's3cret'],
    ['s3cret\n\n', 's3cret\n'],
    [' p@ss:w"ö\'rd ', ' p@ss:w"ö\'rd '],
    [Uint8Array.of(0xff, 0x00, 0x0a), Uint8Array.of(0xff, 0x00)],
  ])('takes the password %j from standard input', async (written, password) => {
    input = written
    const out = await ok('add', 'anna', '--password-stdin')
    expect(out).toBe('added anna\n')
    expect(await opens('anna', password)).toBe(true)
  })

  it('refuses a password that is none', async () => {
    input = '\n'
    expect(await run('add', 'anna', '--password-stdin')).toMatchObject({ exit: 2, out: '' })
    input = 'x'.repeat(1025)
    expect(await run('add', 'anna', '--password-stdin')).toMatchObject({ exit: 2, out: '' })
    input = 'x'.repeat(70_000)
    expect((await run('add', 'anna', '--password-stdin')).err).toBe(
      'remote-proxy: standard input: longer than 64 KiB\n',
    )
    expect(await json('list')).toEqual([])
  })

  it('lists and shows users as JSON, without secrets or hashes', async () => {
    await ok('add', 'anna', '--quota', '1GB/day', '--expires', '2026-12-01T12:00:00+02:00')
    const view = {
      name: 'anna',
      id: expect.any(String),
      state: 'active',
      enabled: true,
      expiresAt: Date.UTC(2026, 11, 1, 10),
      limits: { quotaBytes: 1e9, quotaPeriod: 'day' },
      credentials: ['password'],
      used: { period: 'day:2026-11-21', up: 0, down: 0, total: 0 },
    }
    expect(await json('show', 'anna')).toEqual(view)
    expect(await json('list')).toEqual([view])
    expect(await ok('list')).not.toContain('scrypt')
  })

  it('shows people a table', async () => {
    expect(await ok('list')).toBe('no users\n')
    await ok('add', 'anna', '--up', '250KB/s', '--quota', '10GiB')
    await ok('add', 'bert')
    await ok('disable', 'bert')
    expect((await ok('list')).split('\n')).toEqual([
      'NAME  STATE     UP       DOWN  TOTAL  QUOTA  USED  CONNECTIONS  IPS  EXPIRES  GROUPS  SOURCE',
      'anna  active    250KB/s  -     -      10GiB  0 B   -            -    -        -       -',
      'bert  disabled  -        -     -      -      0 B   -            -    -        -       -',
      '',
    ])
    expect(await ok('show', 'anna')).toMatch(/^up +250KB\/s$/m)
  })

  it('changes what it is told, leaves the rest, and clears with none', async () => {
    await ok(
      'add',
      'anna',
      '--up',
      '1MB/s',
      '--down',
      '1MB/s',
      '--quota',
      '1GB/day',
      '--expires',
      '2027-01-01',
    )
    const before = await stored('anna')
    await ok('set', 'anna', '--up', '2MB/s')
    expect((await stored('anna')).limits).toEqual({ up: 2e6, down: 1e6, quotaBytes: 1e9, quotaPeriod: 'day' })
    await ok('set', 'anna', '--down', 'none', '--quota', '5GB', '--expires', 'none')
    const after = await stored('anna')
    expect(after.limits).toEqual({ up: 2e6, quotaBytes: 5e9 })
    expect(after.expiresAt).toBeUndefined()
    expect(after.credentials).toEqual(before.credentials)
    await ok('set', 'anna', '--quota', 'none', '--up', 'none')
    expect((await stored('anna')).limits).toEqual({})
  })

  it('puts users into groups and gives them a source address', async () => {
    await ok('add', 'anna', '--groups', 'staff,night,staff', '--source', '192.0.2.7')
    await ok('add', 'bert', '--groups', 'none', '--source', 'none')
    expect(await json('show', 'anna')).toMatchObject({ groups: ['staff', 'night'], source: '192.0.2.7' })
    expect(await ok('show', 'anna')).toMatch(/^groups +staff, night$/m)
    expect(await ok('show', 'anna')).toMatch(/^source +192\.0\.2\.7$/m)
    expect((await ok('list')).split('\n').slice(1, 3)).toEqual([
      expect.stringMatching(/ staff,night +192\.0\.2\.7$/),
      expect.stringMatching(/ - +-$/),
    ])
    await ok('set', 'anna', '--groups', 'day')
    expect(await stored('anna')).toMatchObject({ groups: ['day'], source: '192.0.2.7' })
    await ok('set', 'anna', '--groups', 'none', '--source', 'none')
    expect(await json('show', 'anna')).not.toHaveProperty('groups')
    expect(await json('show', 'anna')).not.toHaveProperty('source')
  })

  it('sets another password', async () => {
    await ok('add', 'anna')
    input = 'second\n'
    await ok('set', 'anna', '--password-stdin')
    expect((await stored('anna')).credentials).toHaveLength(1)
    expect(await opens('anna', 'second')).toBe(true)
  })

  it('disables, enables and removes', async () => {
    await ok('add', 'anna')
    expect(await json('disable', 'anna')).toMatchObject({ name: 'anna', enabled: false, state: 'disabled' })
    expect(await json('enable', 'anna')).toMatchObject({ enabled: true, state: 'active' })
    expect(await json('remove', 'anna')).toEqual({ name: 'anna', removed: true })
    expect(await json('list')).toEqual([])
  })

  it('tells usage as the contract says, and who is over quota or expired', async () => {
    await ok('add', 'anna', '--quota', '1KB')
    await ok('add', 'bert', '--expires', '2026-11-21')
    const userId = (await stored('anna')).id
    await store.account({ node: 'test', seq: 1, at: NOW, entries: [{ userId, up: 1_000, down: 234 }] })
    const anna = { name: 'anna', period: 'all', up: 1000, down: 234, total: 1234 }
    expect(await json('usage', 'anna')).toEqual(anna)
    expect(await json('usage')).toEqual([anna, { name: 'bert', period: 'all', up: 0, down: 0, total: 0 }])
    expect((await ok('usage')).split('\n')).toEqual([
      'NAME  PERIOD  UP      DOWN   TOTAL',
      'anna  all     1000 B  234 B  1.21 KiB',
      'bert  all     0 B     0 B    0 B',
      '',
    ])
    expect(await json('list')).toMatchObject([{ state: 'quota' }, { state: 'expired' }])
  })

  it('prints what a client needs, with a placeholder or a new password', async () => {
    await ok('add', 'anna')
    const { credentials } = await stored('anna')
    expect(await ok('link', 'anna')).toBe('curl -U anna:PASSWORD\n')
    expect((await stored('anna')).credentials).toEqual(credentials)
    const { urls, flags, kinds, password } = await json(
      'link',
      'anna',
      '--new-password',
      '--http',
      'proxy.example.org:8889',
    )
    expect(urls).toEqual({ http: `http://anna:${String(password)}@proxy` })
    expect(flags).toEqual(['--http=proxy.example.org:8889'])
    expect(kinds).toEqual(['password'])
    expect(await opens('anna', String(password))).toBe(true)
  })

  describe('shadowsocks', () => {
    const KEY_16 = Buffer.alloc(16, 7).toString('base64')
    const KEY_32 = Buffer.alloc(32, 7).toString('base64')
    const ssOf = async (name: string): Promise<object | undefined> =>
      (await stored(name)).credentials.find(({ kind }) => kind === 'ss')
    const kindsOf = async (name: string): Promise<string[]> =>
      (await stored(name)).credentials.map(({ kind }) => kind)

    it('adds a user who comes in by it alone, with a secret of its own making', async () => {
      const out = await ok('add', 'anna', '--ss-port', '8388')
      const [, secret = ''] =
        /^added anna\nShadowsocks secret \(made now, stored in clear\): (\S+)\n$/.exec(out) ?? []
      expect(secret).toMatch(/^[a-zA-Z2-9]{20,}$/)
      expect((await stored('anna')).credentials).toEqual([
        { kind: 'ss', port: 8388, method: 'aes-256-gcm', secret },
      ])
    })

    it.each([
      ['2022-blake3-aes-128-gcm', 16],
      ['2022-blake3-aes-256-gcm', 32],
      ['2022-blake3-chacha20-poly1305', 32],
    ])('makes a key of the right length for %s', async (method, size) => {
      const { ssSecret, password } = await json('add', 'anna', '--ss-method', method)
      expect(Buffer.from(String(ssSecret), 'base64')).toHaveLength(size)
      expect(password).toBeUndefined()
      expect(await ssOf('anna')).toEqual({ kind: 'ss', method, secret: ssSecret })
      await ok('add', 'bert', '--ss-method', method)
      expect(await ssOf('bert')).not.toMatchObject({ secret: ssSecret })
    })

    it.each([
      [['--password-stdin', '--ss-secret-stdin'], 'geheim\ns3cret\n'],
      [['--ss-secret-stdin', '--password-stdin'], 's3cret\r\ngeheim'],
    ])('reads a line each for %j', async (flags, written) => {
      input = written
      expect(await ok('add', 'anna', ...flags)).toBe('added anna\n')
      expect(await opens('anna', 'geheim')).toBe(true)
      expect(await ssOf('anna')).toMatchObject({ method: 'aes-256-gcm', secret: 's3cret' })
      expect(await kindsOf('anna')).toEqual(['password', 'ss'])
    })

    it('takes the names of other programs, and stores its own', async () => {
      input = 's3cret'
      await ok('add', 'anna', '--ss-method', 'CHACHA20-poly1305', '--ss-secret-stdin')
      expect(await ssOf('anna')).toMatchObject({ method: 'chacha20-ietf-poly1305' })
    })

    it.each([
      ['foo', '', 'the method "foo" is not one of aes-128-gcm, '],
      ['2022-blake3-aes-256-gcm', KEY_16, 'the key of 2022-blake3-aes-256-gcm has 16 bytes, not 32'],
      ['2022-blake3-aes-128-gcm', 's3cret!', 'the key of 2022-blake3-aes-128-gcm is not Base64'],
      ['aes-128-gcm', '\n', 'the secret has 0 characters, wanted 1 to 1024'],
      ['aes-128-gcm', 'x'.repeat(1025), 'the secret has 1025 characters, wanted 1 to 1024'],
      ['aes-128-gcm', Uint8Array.of(0xff), 'the secret is not UTF-8'],
    ])('refuses %s with %j, and never says the secret', async (method, written, problem) => {
      input = written
      const { exit, out, err } = await run('add', 'anna', '--ss-method', method, '--ss-secret-stdin')
      expect({ exit, out }).toEqual({ exit: 2, out: '' })
      expect(err).toContain(`remote-proxy: user "anna": ${problem}`)
      expect(err).not.toMatch(/s3cret|BwcH|xxx/)
      expect(await json('list')).toEqual([])
    })

    it.each([
      ['geheim\n', 'standard input: wanted 2 lines, one for each flag, got 1'],
      ['a\nb\nc\n', 'standard input: wanted 2 lines, one for each flag, got 3'],
    ])('refuses %j for two secrets', async (written, problem) => {
      input = written
      expect(await run('add', 'anna', '--password-stdin', '--ss-secret-stdin')).toEqual({
        exit: 2,
        out: '',
        err: `remote-proxy: ${problem}\n`,
      })
    })

    it('takes what protects nothing where it is named, and says so', async () => {
      input = 's3cret'
      const { out } = await run('add', 'anna', '--ss-method', 'none', '--ss-secret-stdin')
      expect(out).toContain('with none anyone on the way can change what passes')
      expect(await ssOf('anna')).toMatchObject({ method: 'none' })
      await ok('set', 'anna', '--ss-port', '8389')
      expect(await ssOf('anna')).toMatchObject({ method: 'none', port: 8389 })
    })

    it('changes what it is told and leaves the rest', async () => {
      await ok('add', 'anna')
      const [password] = (await stored('anna')).credentials
      input = 's3cret'
      await ok('set', 'anna', '--ss-port', '8388', '--ss-secret-stdin')
      const ss = { kind: 'ss', port: 8388, method: 'aes-256-gcm', secret: 's3cret' }
      expect((await stored('anna')).credentials).toEqual([password, ss])
      expect(await ok('set', 'anna', '--ss-method', 'aes-128-gcm')).not.toContain('secret (made')
      expect(await ssOf('anna')).toEqual({ ...ss, method: 'aes-128-gcm' })
      await ok('set', 'anna', '--ss-port', 'none')
      expect(await ssOf('anna')).toEqual({ kind: 'ss', method: 'aes-128-gcm', secret: 's3cret' })
      await ok('set', 'anna', '--up', '1MB/s')
      expect(await ssOf('anna')).toBeDefined()
      input = 'second'
      await ok('set', 'anna', '--password-stdin')
      expect(await ssOf('anna')).toMatchObject({ secret: 's3cret' })
      await ok('set', 'anna', '--no-ss')
      expect(await kindsOf('anna')).toEqual(['password'])
      expect(await opens('anna', 'second')).toBe(true)
    })

    it('makes a new secret where the old one is no key of the new method', async () => {
      input = 's3cret'
      await ok('add', 'anna', '--ss-secret-stdin')
      const { ssSecret } = await json('set', 'anna', '--ss-method', '2022-blake3-aes-256-gcm')
      expect(Buffer.from(String(ssSecret), 'base64')).toHaveLength(32)
      input = KEY_32
      expect(await json('set', 'anna', '--ss-secret-stdin')).not.toHaveProperty('ssSecret')
      expect(await json('set', 'anna', '--ss-method', '2022-blake3-chacha20-poly1305')).not.toHaveProperty(
        'ssSecret',
      )
      expect(await ssOf('anna')).toMatchObject({ secret: KEY_32 })
    })

    it('shows the secret only to who asks, and says that it is in clear', async () => {
      input = 's3cret'
      await ok('add', 'anna', '--ss-port', '8388', '--ss-secret-stdin')
      await ok('add', 'bert')
      const ss = { port: 8388, method: 'aes-256-gcm', secretStored: 'in clear' }
      expect(await json('show', 'anna')).toMatchObject({ credentials: ['ss'], ss: [ss] })
      expect(await json('list', '--reveal')).toMatchObject([
        { ss: [{ ...ss, secret: 's3cret' }] },
        { name: 'bert' },
      ])
      for (const call of [
        ['show', 'anna'],
        ['list'],
        ['show', 'anna', '--json'],
        ['list', '--json'],
        ['disable', 'anna'],
      ])
        expect(await ok(...call)).not.toContain('s3cret')
      expect(await ok('show', 'anna')).toMatch(
        /^shadowsocks +aes-256-gcm, port 8388, secret stored in clear$/m,
      )
      expect(await ok('show', 'anna', '--reveal')).toMatch(/ in clear: s3cret$/m)
      expect((await ok('list', '--reveal')).split('\n').slice(0, 3)).toEqual([
        expect.stringMatching(/ SHADOWSOCKS$/),
        expect.stringMatching(/ aes-256-gcm, port 8388, secret stored in clear: s3cret$/),
        expect.stringMatching(/^bert .* -$/),
      ])
      await ok('set', 'anna', '--ss-port', 'none')
      expect(await ok('show', 'anna')).toMatch(/^shadowsocks +aes-256-gcm, port shared, /m)
    })

    it.each([
      [['--no-ss', '--ss-port', '1'], 'user set: --no-ss is given with other --ss flags'],
      [['--ss-port', '0'], '--ss-port: "0" is not a whole number from 1 to 65535, or none'],
      [['--ss-port', '65536'], '--ss-port: "65536" is not a whole number from 1 to 65535, or none'],
    ])('%j is bad usage', async (flags, message) => {
      await ok('add', 'anna')
      expect(await run('set', 'anna', ...flags)).toEqual({
        exit: 2,
        out: '',
        err: `remote-proxy: ${message}\n`,
      })
    })
  })

  describe('peers of a relay', () => {
    const [ID_1, ID_2] = [
      'JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG',
      '4wBqpZM9xaSheZzJSMawUKKwhdpChKbZ5eu5ky4Vigw',
    ]
    const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')
    const credentialsOf = async (name: string): Promise<User['credentials']> =>
      (await stored(name)).credentials

    it('adds a user who comes in as them alone', async () => {
      expect(await ok('add', 'anna', '--node-id', `${ID_1},${ID_2}`)).toBe('added anna\n')
      const both = [ID_1, ID_2].map((nodeId) => ({ kind: 'nodeId', nodeId }))
      expect(await credentialsOf('anna')).toEqual(both)
      await ok('set', 'anna', '--node-id', ID_2, '--node-id', `${ID_1}, ${ID_2}`)
      expect(await credentialsOf('anna')).toEqual(both.toReversed())
    })

    it('makes a token, tells it once and stores its hash', async () => {
      const out = await ok('add', 'anna', '--new-token')
      const [, token = ''] = /^added anna\ntoken \(shown this once\): (\S+)\n$/.exec(out) ?? []
      expect(Buffer.from(token, 'base64url')).toHaveLength(32)
      expect(await credentialsOf('anna')).toEqual([{ kind: 'token', hash: hashOf(token) }])
      const other = String((await json('set', 'anna', '--new-token'))['token'])
      expect(other).not.toBe(token)
      expect(await credentialsOf('anna')).toEqual([{ kind: 'token', hash: hashOf(other) }])
      expect(await ok('show', 'anna', '--json')).not.toContain(hashOf(other))
    })

    it('reads a token, and secrets beside it, from standard input', async () => {
      input = 'geheim\n0123456789abcdef-token\ns3cret'
      await ok('add', 'anna', '--password-stdin', '--token-stdin', '--ss-secret-stdin')
      expect(await credentialsOf('anna')).toMatchObject([
        { kind: 'password' },
        { kind: 'ss', secret: 's3cret' },
        { kind: 'token', hash: hashOf('0123456789abcdef-token') },
      ])
      expect(await opens('anna', 'geheim')).toBe(true)
    })

    it('changes what it is told and leaves the rest', async () => {
      await ok('add', 'anna', '--node-id', ID_1, '--new-token', '--ss-port', '8388')
      const [ss, nodeId, token] = await credentialsOf('anna')
      await ok('set', 'anna', '--up', '1MB/s')
      expect(await credentialsOf('anna')).toEqual([ss, nodeId, token])
      await ok('set', 'anna', '--no-node-id')
      expect(await credentialsOf('anna')).toEqual([ss, token])
      await ok('set', 'anna', '--node-id', ID_2, '--no-ss')
      expect(await credentialsOf('anna')).toEqual([token, { kind: 'nodeId', nodeId: ID_2 }])
      await ok('set', 'anna', '--no-token')
      expect(await credentialsOf('anna')).toEqual([{ kind: 'nodeId', nodeId: ID_2 }])
    })

    it('shows NodeIDs, and that there is a token', async () => {
      await ok('add', 'anna', '--node-id', `${ID_1},${ID_2}`, '--new-token')
      await ok('add', 'bert')
      expect(await json('show', 'anna')).toMatchObject({
        credentials: ['nodeId', 'nodeId', 'token'],
        nodeIds: [ID_1, ID_2],
      })
      const lines = (await ok('show', 'anna')).split('\n').slice(-5, -1)
      expect(lines.map((line) => line.replace(/ +/, ' ').replace(/ {2,}/, ' '))).toEqual([
        'credentials nodeId, token',
        `node id ${ID_1}`,
        `node id ${ID_2}`,
        'token set',
      ])
      expect((await ok('list')).split('\n').slice(0, 3)).toEqual([
        expect.stringMatching(/ TOKEN {2}NODE IDS$/),
        expect.stringMatching(new RegExp(` set    ${ID_1},${ID_2}$`)),
        expect.stringMatching(/ - {6}-$/),
      ])
    })

    it('refuses a NodeID that is another user’s', async () => {
      await ok('add', 'anna', '--node-id', ID_1)
      await ok('set', 'anna', '--node-id', ID_1)
      const taken = { exit: 2, out: '', err: `remote-proxy: --node-id: ${ID_1} is "anna"’s\n` }
      expect(await run('add', 'bert', '--node-id', `${ID_2},${ID_1}`)).toEqual(taken)
      await ok('add', 'bert')
      expect(await run('set', 'bert', '--node-id', ID_1)).toEqual(taken)
    })

    it.each([
      [['--node-id', `${ID_1}1`], `--node-id: "${ID_1}1" is no NodeID: wanted 32 octets in Base58`],
      [['--node-id', '1'.repeat(32)], / is no NodeID: wanted 32 octets in Base58\n$/],
      [['--node-id', ','], '--node-id: "," is not NodeIDs: 32 octets each, in Base58'],
      [['--node-id', ID_1, '--no-node-id'], 'user set: --no-node-id is given with --node-id'],
      [['--new-token', '--no-token'], 'user set: --no-token is given with a new token'],
      [['--new-token', '--token-stdin'], '--new-token: --token-stdin is given as well'],
      [['--token-stdin'], '--token-stdin: the token has 21 bytes, wanted 22 to 256, at random'],
    ])('%j is bad usage', async (flags, message) => {
      input = '0123456789abcdef-toke\n'
      await ok('add', 'anna')
      const { exit, out, err } = await run('set', 'anna', ...flags)
      expect([exit, out]).toEqual([2, ''])
      if (typeof message === 'string') expect(err).toBe(`remote-proxy: ${message}\n`)
      else expect(err).toMatch(message)
    })
  })

  it('leaves the users of an owner to it, and tells their usage', async () => {
    const credentials = [{ kind: 'ss', method: 'aes-256-gcm', secret: 's3cret' }] as const
    await store.sync('panel', [{ key: '1', enabled: true, limits: { up: 1000 }, credentials }])
    await store.account({ node: 'panel', seq: 1, at: NOW, entries: [{ userId: 'panel:1', up: 1, down: 2 }] })
    try {
      expect(await json('show', 'panel-1')).toMatchObject({ id: 'panel:1', owner: 'panel' })
      expect(await ok('show', 'panel-1')).toMatch(/^owner +panel, where alone the user can be changed$/m)
      expect(await json('usage', 'panel-1')).toMatchObject({ name: 'panel-1', up: 1, down: 2 })
      for (const call of [
        ['set', '--up', '1'],
        ['disable'],
        ['enable'],
        ['remove'],
        ['link', '--new-password'],
      ])
        expect(await run(call[0]!, 'panel-1', ...call.slice(1))).toEqual({
          exit: 1,
          out: '',
          err: 'remote-proxy: "panel-1" belongs to panel: change it there\n',
        })
    } finally {
      await store.sync('panel', [])
    }
  })

  it('links with flags and words of the program', async () => {
    io = {
      ...io,
      linkOptions: {
        flags: { sip008: flag('print a document') },
        examples: [{ does: 'As a document:', line: 'link anna --sip008' }],
      },
    }
    await ok('add', 'anna')
    expect((await json('link', 'anna', '--sip008'))['flags']).toEqual(['--sip008=true'])
    const help = await ok('link', '--help')
    expect(help).toMatch(/ --sip008 +print a document/)
    expect(help).toContain('remote-proxy user link anna --sip008')
    expect(help).not.toContain('user link alice --http')
    expect(await run('link', 'anna', '--sip007')).toMatchObject({ exit: 2 })
  })

  describe('usage of days gone by, and as CSV', () => {
    const move = async (name: string, seq: number, day: string, up: number): Promise<void> => {
      const { id: userId } = await stored(name)
      const at = Date.parse(`${day}T12:00Z`)
      await store.account({ node: userId, seq, at, entries: [{ userId, up, down: 1 }] })
    }

    beforeEach(async () => {
      await ok('add', '=anna', '--quota', '1GB/month')
      await ok('add', 'bert')
      for (const [seq, day] of ['2026-10-31', '2026-11-01', '2026-11-20'].entries()) {
        await move('=anna', seq, day, 10 ** seq)
        await move('bert', seq, day, 0)
      }
    })

    it('prints records that no spreadsheet runs, with a line break as in RFC 4180', async () => {
      const records = `name,period,up,down,total\r\n"'=anna",month:2026-11-01,110,2,112\r\nbert,all,0,3,3\r\n`
      expect(await ok('usage', '--format', 'csv')).toBe(records)
      expect(await ok('usage', 'bert', '--format', 'csv')).toBe(
        'name,period,up,down,total\r\nbert,all,0,3,3\r\n',
      )
    })

    it('prints the same JSON for --json and --format json', async () => {
      expect(await ok('usage', '--format', 'json')).toBe(await ok('usage', '--json'))
      expect(await ok('usage', 'bert', '--json', '--format', 'json')).toBe(
        '{"name":"bert","period":"all","up":0,"down":3,"total":3}\n',
      )
    })

    it('gives the days of a range, both ends included', async () => {
      const range = ['--since', '2026-10-31', '--until', '2026-11-01']
      expect(await json('usage', '=anna', ...range)).toEqual([
        { name: '=anna', period: 'day:2026-10-31', up: 1, down: 1, total: 2 },
        { name: '=anna', period: 'day:2026-11-01', up: 10, down: 1, total: 11 },
      ])
      expect(await ok('usage', 'bert', '--since', '2026-11-02', '--format', 'csv')).toBe(
        'name,period,up,down,total\r\nbert,day:2026-11-20,0,1,1\r\n',
      )
      expect(await json('usage', '--until', '2026-10-30')).toEqual([])
    })

    it('sums them into the periods of the quota', async () => {
      expect(await json('usage', '--by', 'period')).toEqual([
        { name: '=anna', period: 'month:2026-10-01', up: 1, down: 1, total: 2 },
        { name: '=anna', period: 'month:2026-11-01', up: 110, down: 2, total: 112 },
        { name: 'bert', period: 'all', up: 0, down: 3, total: 3 },
      ])
    })

    it.each([
      [['--format', 'csv', '--json'], '--json: --format csv is given as well'],
      [['--since', '2026-02-30'], '--since: "2026-02-30" is not a day, such as 2027-01-31'],
      [['--until', 'today'], '--until: "today" is not a day, such as 2027-01-31'],
      [['--by', 'hour'], '--by: "hour" is not one of day, period'],
    ])('%j is bad usage', async (argv, message) => {
      expect(await run('usage', ...argv)).toEqual({ exit: 2, out: '', err: `remote-proxy: ${message}\n` })
    })

    it('fails for nobody', async () => {
      expect(await run('usage', 'eve', '--by', 'day')).toMatchObject({ exit: 1, out: '' })
    })
  })

  describe('import', () => {
    const seed = (...rows: (readonly [name: unknown, password: unknown, bandwidth: unknown])[]): string => {
      const file = join(data, 'cache.db')
      rmSync(file, { force: true })
      const database = new DatabaseSync(file)
      database.exec('CREATE TABLE USER (USERNAME, PASSWORD, BANDWIDTH)')
      const insert = database.prepare('INSERT INTO USER VALUES (?, ?, ?)')
      for (const row of rows) insert.run(...(row as [string, string, number]))
      database.close()
      return file
    }

    it('adds users with hashed passwords, and their bandwidth as total', async () => {
      const file = seed(['anna', 'geheim', 15_000], ['bert', 'b', 0], ['Anna', 'c', null])
      expect(await ok('import', file)).toBe('3 rows: 3 added, 0 updated, 0 unchanged, 0 skipped\n')
      expect((await stored('anna')).limits).toEqual({ total: 15_000 })
      expect((await stored('bert')).limits).toEqual({})
      expect((await store.list()).users.map(({ name }) => name)).toEqual(['anna', 'bert', 'Anna'])
      expect(await opens('anna', 'geheim')).toBe(true)
      expect(JSON.stringify(await store.list())).not.toContain('geheim')
    })

    it('reports what it cannot take, in the order of the rows, and goes on', async () => {
      await ok('add', 'known')
      const rows = [
        ['a b', 'p', 1],
        ['known', 'p', 1],
        ['x', '', 1],
        ['y', 'p', 1.5],
        ['z', 'p', -1],
      ] as const
      const file = seed(...rows, ['anna', 'two words', 1], ['anna', 'again', 2], ['bert', 'p', 3])
      const { exit, out, err } = await run('import', file)
      expect({ exit, err }).toEqual({ exit: 1, err: '' })
      expect(out.split('\n')).toEqual([
        expect.stringMatching(/^row 1 "a b": skipped: USERNAME: wanted /),
        expect.stringMatching(/^row 2 "known": skipped: a user has this name already; --update /),
        'row 3 "x": skipped: PASSWORD: empty',
        expect.stringMatching(/^row 4 "y": skipped: BANDWIDTH: wanted /),
        expect.stringMatching(/^row 5 "z": skipped: BANDWIDTH: wanted /),
        expect.stringMatching(
          /^row 6 "anna": taken: the password holds a blank .* sumbit: line cannot carry$/,
        ),
        'row 7 "anna": skipped: row 6 has this name already',
        '8 rows: 2 added, 0 updated, 0 unchanged, 6 skipped',
        '',
      ])
      expect(await opens('anna', 'two words')).toBe(true)
      expect((await stored('known')).limits).toEqual({})
    })

    it('updates password and total of users who exist, and nothing else, where it is told to', async () => {
      await ok('add', 'anna', '--up', '1MB/s', '--total', '5KB/s', '--quota', '1GB')
      await store.update('anna', {
        credentials: [...(await stored('anna')).credentials, { kind: 'token', hash: 'c'.repeat(64) }],
      })
      const file = seed(['anna', 'new', 0], ['bert', 'b', 7])
      expect(await json('import', file, '--update')).toEqual({
        file,
        rows: 2,
        added: 1,
        updated: 1,
        unchanged: 0,
        skipped: 0,
        problems: [],
      })
      const anna = await stored('anna')
      expect(anna.limits).toEqual({ up: 1e6, quotaBytes: 1e9 })
      expect(anna.credentials.map(({ kind }) => kind)).toEqual(['token', 'password'])
      expect(await opens('anna', 'new')).toBe(true)
    })

    it('changes nothing the second time', async () => {
      const file = seed(['anna', 'a', 9], ['bert', 'b', 0])
      await ok('import', file)
      const before = await store.list()
      const second = await run('import', file, '--json')
      expect({ exit: second.exit, ...JSON.parse(second.out) }).toMatchObject({
        exit: 1,
        added: 0,
        skipped: 2,
        problems: [
          { row: 1, name: 'anna', skipped: true, problem: expect.stringContaining('--update') as unknown },
          { row: 2, name: 'bert', skipped: true },
        ],
      })
      expect(await json('import', file, '--update')).toMatchObject({ unchanged: 2, updated: 0, skipped: 0 })
      expect(await store.list()).toEqual(before)
      seed(['anna', 'a', 10], ['bert', 'b', 0])
      expect(await json('import', file, '--update')).toMatchObject({ unchanged: 1, updated: 1 })
      expect((await stored('anna')).credentials).toEqual(before.users[0]?.credentials)
    })

    it('takes nothing from a file that is none, and says why on one line', async () => {
      const file = join(data, 'users.csv')
      writeFileSync(file, 'USERNAME,PASSWORD,BANDWIDTH\n')
      expect(await run('import', file)).toEqual({
        exit: 2,
        out: '',
        err: `remote-proxy: ${file}: not a SQLite database\n`,
      })
      const none = join(data, 'none.db')
      expect(await run('import', none)).toMatchObject({ exit: 2, out: '' })
      expect(existsSync(none)).toBe(false)
      expect((await run('import')).err).toBe('remote-proxy: user import FILE: the file is missing\n')
      expect((await run('import', 'a', 'b')).err).toContain('"b" is one word too many')
    })

    it('skips a user whom another program has added meanwhile', async () => {
      await ok('add', 'anna')
      const late = new Proxy(keptOpen(store), {
        get: (target, key) =>
          key === 'list' ? async () => ({ users: [], used: [] }) : Reflect.get(target, key),
      })
      io = { ...io, openStore: async () => late }
      const { exit, out } = await run('import', seed(['anna', 'a', 1], ['bert', 'b', 1]))
      expect(exit).toBe(1)
      expect(out).toBe(
        'row 1 "anna": skipped: a user is named "anna" already\n2 rows: 1 added, 0 updated, 0 unchanged, 1 skipped\n',
      )
    })

    it('fails on one line where the store does', async () => {
      const file = seed(['anna', 'a', 1], ['bert', 'b', 1])
      const failing = new Proxy(keptOpen(store), {
        get: (target, key) =>
          key === 'add'
            ? () => Promise.reject(new StoreError('STORE_WRITE', 'the disk is full'))
            : Reflect.get(target, key),
      })
      io = { ...io, openStore: async () => failing }
      expect(await run('import', file)).toEqual({ exit: 1, out: '', err: 'remote-proxy: the disk is full\n' })
    })
  })

  it('takes store and data from flags, the environment and the file of its program', async () => {
    const file = 'data: /file\nhttp: 127.0.0.1:1\nlog-level: warn\n'
    io = { ...io, readFile: () => file, env: { SLUICE_CONFIG: 'sluice.yaml', SLUICE_STORE: 'json:/env' } }
    await ok('list')
    await ok('list', '--data', '/flag')
    expect(places).toEqual([
      { data: '/file', store: 'json:/env' },
      { data: '/flag', store: 'json:/env' },
    ])
  })

  it('does not take a limit from the environment', async () => {
    io = { ...io, env: { SLUICE_UP: '1MB/s' } }
    await ok('add', 'anna')
    expect((await stored('anna')).limits).toEqual({})
  })

  it.each([
    [['add'], 'user add NAME: the name is missing'],
    [['add', 'a', 'b'], 'user add NAME: "b" is one word too many'],
    [['list', 'a'], 'user list: "a" is one word too many'],
    [
      ['add', 'a:b'],
      'user add NAME: "a:b" is not a name of 1 to 255 bytes without colon, blank or control character',
    ],
    [
      ['add', 'a\nb'],
      String.raw`user add NAME: "a\nb" is not a name of 1 to 255 bytes without colon, blank or control character`,
    ],
    [
      ['add', ''],
      'user add NAME: "" is not a name of 1 to 255 bytes without colon, blank or control character',
    ],
    [['add', 'a', '--up', 'fast'], '--up: "fast" is not a rate above 0, such as 250KB/s or 1MiB/s, or none'],
    [['add', 'a', '--up', '0'], '--up: "0" is not a rate above 0, such as 250KB/s or 1MiB/s, or none'],
    [['add', 'a', '--connections', '0'], '--connections: "0" is not a whole number, at least 1, or none'],
    [
      ['add', 'a', '--expires', '2026-02-30'],
      '--expires: "2026-02-30" is not a date, such as 2027-01-31 (UTC) or 2027-01-31T18:00:00+02:00, or none',
    ],
    [
      ['add', 'a', '--expires', '2026-12-31T12:00:00'],
      '--expires: "2026-12-31T12:00:00" is not a date, such as 2027-01-31 (UTC) or 2027-01-31T18:00:00+02:00, or none',
    ],
    [['add', 'a', '--http', 'x:1'], '--http: unknown flag, did you mean --help?'],
    [['set', 'a', '--upp', '1'], '--upp: unknown flag, did you mean --up?'],
    [
      ['set', 'a', '--source', '0.0.0.0'],
      '--source: "0.0.0.0" is not an IP address of this machine, without zone and no wildcard, or none',
    ],
    [
      ['set', 'a', '--groups', 'a,,b'],
      '--groups: "a,,b" is not names of 1 to 64 characters without colon and blank, or none',
    ],
    [['lst'], 'user lst: unknown command, did you mean list?'],
    [
      ['frobnicate'],
      'user frobnicate: unknown command, wanted add, list, show, set, disable, enable, remove, usage, link, import',
    ],
    [[], 'user: wanted add, list, show, set, disable, enable, remove, usage, link, import, or --help'],
  ])('%j is bad usage, on one line', async (argv, message) => {
    expect(await run(...argv)).toEqual({ exit: 2, out: '', err: `remote-proxy: ${message}\n` })
  })

  it('wants something to set', async () => {
    await ok('add', 'anna')
    expect(await run('set', 'anna')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('something to change'),
    })
  })

  it('refuses a time zone that does not exist', async () => {
    expect(await run('add', 'anna', '--quota-zone', 'Mars/Olympus')).toMatchObject({ exit: 2, out: '' })
  })

  it('fails where the user exists, or does not', async () => {
    await ok('add', 'anna')
    expect(await run('add', 'anna')).toEqual({
      exit: 1,
      out: '',
      err: 'remote-proxy: a user is named "anna" already\n',
    })
    for (const verb of ['show', 'disable', 'remove', 'usage', 'link']) {
      expect(await run(verb, 'bert')).toEqual({
        exit: 1,
        out: '',
        err: 'remote-proxy: no user is named "bert"\n',
      })
    }
  })

  it('fails on one line where the store does', async () => {
    io = { ...io, openStore: () => Promise.reject(new StoreError('STORE_BUSY', 'busy\nvery')) }
    expect(await run('list')).toEqual({ exit: 1, out: '', err: 'remote-proxy: busy very\n' })
    io = { ...io, openStore: () => Promise.reject(new StoreError('STORE_SCHEMA_NEWER', 'newer')) }
    expect(await run('list')).toEqual({ exit: 2, out: '', err: 'remote-proxy: newer\n' })
  })

  it('helps', async () => {
    const all = await ok('--help')
    expect(all).toMatch(/^remote-proxy user: .*\n\nSYNOPSIS\n {2}remote-proxy user COMMAND \[flags\]\n/)
    expect(all).toMatch(/^ {2}add NAME +Adds a user/m)
    const help = await ok('set', '--help')
    expect(help).toMatch(/\nSYNOPSIS\n {2}remote-proxy user set NAME \[flags\]\n/)
    expect(help).toMatch(/\nLIMITS\n {2}--up RATE\|none +bytes per second/)
    expect(help).toMatch(/\n {2}--quota SIZE\[\/day\|\/week\|\/month\]\|none\n/)
    expect(help).toMatch(/\nEXAMPLES\n.*\n {4}remote-proxy user set alice .*\nEXIT STATUS\n {2}0 +done\n/s)
  })
})
