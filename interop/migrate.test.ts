import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certify, createAuthority } from './authority.ts'
import { block, type Replacements, runScript, windows } from './guide.ts'
import { Moved } from './moved.ts'
import { deadPort, httpOrigin, mirrorOrigin, type Origin, pouringOrigin } from './origin.ts'
import { run } from './process.ts'
import { ProxiedCurl } from './proxied-curl.ts'
import { Servers } from './servers.ts'
import { temporaryFolder, usage, user } from './sluice.ts'

/** The partner's proxies of the guide. */
const parents = new Servers({ name: 'office', password: 'secret' })
/** What the guide has at 198.51.100.0/24. */
const PARTNER = '127.0.0.2'
const folder = temporaryFolder()
const origins: Record<string, Origin> = {}
let dead: number

beforeAll(async () => {
  await parents.startSquid()
  await parents.startMicrosocks()
  origins['partner'] = await mirrorOrigin(PARTNER)
  origins['mirror'] = await mirrorOrigin('127.0.0.1')
  origins['pouring'] = await pouringOrigin()
  origins['echo'] = await httpOrigin()
  dead = await deadPort()
})
afterAll(async () => {
  await parents[Symbol.asyncDispose]()
  for (const origin of Object.values(origins)) origin[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

const url = (name: string): string =>
  `http://${name === 'partner' ? PARTNER : '127.0.0.1'}:${origins[name]!.port}/`

/** Within what a burst and the ends of a few seconds may do. */
const expectRate = (rate: number, wanted: number): void => {
  expect(rate).toBeGreaterThan(wanted * 0.85)
  expect(rate).toBeLessThan(wanted * 1.15)
}

const total = async (rates: Promise<number>[]): Promise<number> =>
  (await Promise.all(rates)).reduce((sum, each) => sum + each, 0)

const DENIED = ['403', 'ACCESS_DENIED']
const BIND = { '10.0.0.0/8': '127.0.0.0/8', '198.51.100.0/24': `${PARTNER}/32` }

describe('from Squid', () => {
  const file = (name: string): string => join(folder, name)
  const through = (second: number): Replacements => ({
    'proxy1.partner.example:3128': `127.0.0.1:${dead}`,
    'proxy2.partner.example:3128': `127.0.0.1:${second}`,
  })
  let moved: Moved
  let passwords: Record<string, string>
  const client = (name: string): ProxiedCurl => moved.client(`${name}:${passwords[name]}`)

  beforeAll(async () => {
    await createAuthority(folder)
    await certify(folder, 'proxy')
    const hash = (await run('openssl', ['passwd', '-apr1', 'old'])).stdout.toString().trim()
    writeFileSync(file('passwd'), ['alice', 'bob', 'carol'].map((name) => `${name}:${hash}\n`).join(''))
    writeFileSync(file('apprentices'), 'carol\n')
    moved = new Moved(folder, 'squid', {
      ...BIND,
      '/etc/ssl/proxy.crt': file('proxy.crt'),
      '/etc/ssl/private/proxy.key': file('proxy.key'),
    })
    const users = {
      '/etc/squid': folder,
      'new-users.jsonl': file('new-users.jsonl'),
      '192.0.2.7': '127.0.0.7',
    }
    await runScript(block('squid-users', users), moved.data)
    const lines = readFileSync(file('new-users.jsonl'), 'utf8').trim().split('\n')
    passwords = Object.fromEntries(
      lines
        .map((line) => JSON.parse(line) as { name: string; password: string })
        .map((each) => [each.name, each.password]),
    )
    moved.write({ ...windows(true), ...through(parents.port('squid')) })
    await moved.start('--tls', '127.0.0.1:0')
  })
  afterAll(() => moved[Symbol.asyncDispose]())

  test('the settings before are what Squid takes', async () => {
    const conf = block('squid.conf', {
      '/etc/squid/passwd': file('passwd'),
      '/etc/squid/apprentices': file('apprentices'),
      '/etc/ssl/proxy.crt': file('proxy.crt'),
      '/etc/ssl/private/proxy.key': file('proxy.key'),
    })
    writeFileSync(file('squid.conf'), conf)
    expect((await run('squid', ['-k', 'parse', '-f', file('squid.conf')])).stderr).not.toMatch(/FATAL|ERROR/)
  })

  test('users come in with their new passwords alone, over TLS too', async () => {
    expect(await client('alice').status(url('mirror'))).toStrictEqual(['200', ''])
    expect(await moved.client('alice:old').status(url('mirror'))).toStrictEqual(['407', 'AUTH_FAILED'])
    const proxy = `https://localhost:${moved.sluice.listener('tls').split(':')[1]}`
    const secure = new ProxiedCurl(`bob:${passwords['bob']}`, '-x', proxy, '--proxy-cacert', file('ca.crt'))
    expect(await secure.source(url('mirror'))).toBe('127.0.0.1')
  })

  test('tcp_outgoing_address', async () => {
    expect(await client('alice').source(url('mirror'))).toBe('127.0.0.7')
  })

  test.each([
    ['port', 'http://127.0.0.1:25/'],
    ['domain', 'http://www.games.example/'],
    ['network', 'http://203.0.113.9/'],
  ])('a denied %s', async (_, target) => {
    expect(await client('bob').status(target)).toStrictEqual(DENIED)
  })

  test('CONNECT and SOCKS to ports other than 443 are denied', async () => {
    expect(await client('bob').status(url('mirror'), '-p', '-w', '%{http_connect} ')).toStrictEqual([
      '403',
      '',
    ])
    const socks = new ProxiedCurl(`bob:${passwords['bob']}`, '--socks5', moved.sluice.socks)
    expect(await socks.source(url('mirror'))).toBe('')
  })

  test('rates of a user, of an apprentice and of all together', async () => {
    moved.write({ ...windows(false), ...through(parents.port('squid')) })
    process.kill(moved.sluice.pid, 'SIGHUP')
    await expect.poll(() => client('carol').status(url('mirror'))).toStrictEqual(['200', ''])
    // Less than all may have together, so that neither is in the other's way.
    const [apprentice, user] = await Promise.all([
      client('carol').down(url('pouring')),
      total([client('alice').down(url('pouring')), client('alice').down(url('pouring'))]),
    ])
    expectRate(apprentice, 64_000)
    expectRate(user, 250_000)
    const rates = await Promise.all([
      client('alice').down(url('pouring')),
      client('bob').down(url('pouring')),
    ])
    expectRate(rates[0] + rates[1], 400_000)
    expectRate(rates[0], 200_000)
  })

  test('apprentices are denied after hours', async () => {
    moved.write({ ...windows(true), ...through(parents.port('squid')) })
    process.kill(moved.sluice.pid, 'SIGHUP')
    await expect.poll(() => client('carol').status(url('mirror'))).toStrictEqual(DENIED)
    expect(await client('bob').status(url('mirror'))).toStrictEqual(['200', ''])
  })

  test('the partner is reached through the second proxy where the first is away, and not without', async () => {
    expect(await client('bob').source(url('partner'))).toBe('127.0.0.1')
    moved.write({ ...windows(true), ...through(dead) })
    process.kill(moved.sluice.pid, 'SIGHUP')
    await expect
      .poll(() => client('bob').status(url('partner'), '--max-time', '5'))
      .toStrictEqual(['502', 'UPSTREAM_FAILED'])
  })

  test('the access log is one of Squid', async () => {
    const line = (rest: string): RegExp => new RegExp(String.raw`^\d+\.\d{3} +\d+ 127\.0\.0\.1 ${rest}$`, 'm')
    await expect
      .poll(() => moved.log)
      .toMatch(line(String.raw`TCP_MISS/200 \d+ GET ${url('mirror')} alice HIER_DIRECT/127\.0\.0\.1 -`))
    expect(moved.log).toMatch(
      line(String.raw`TCP_DENIED/403 \d+ GET http://www\.games\.example/ bob HIER_NONE/- -`),
    )
  })
})

describe('from 3proxy', () => {
  const QUOTA = 2_300_000
  let moved: Moved
  let printed: string
  const alice = (): ProxiedCurl => moved.client('alice:correct-horse')
  const bob = (): ProxiedCurl => moved.client('bob:battery:staple')

  beforeAll(async () => {
    writeFileSync(join(folder, 'passwd'), block('3proxy-passwd'))
    moved = new Moved(folder, '3proxy', { ...BIND, '192.0.2.7': '127.0.0.7' })
    const users = { '/etc/3proxy': folder, '500MiB/day': `${QUOTA}/day` }
    printed = await runScript(block('3proxy-users', users), moved.data)
    const hops = {
      '10.0.0.1:1080': `127.0.0.1:${dead}`,
      '10.0.0.2:1080': `127.0.0.1:${parents.port('microsocks')}`,
    }
    moved.write({ ...windows(true), ...hops })
    await moved.start()
  })
  afterAll(() => moved[Symbol.asyncDispose]())

  test('passwords in clear hold, and who had a hash gets another', async () => {
    expect(await alice().source(url('mirror'))).toBe('127.0.0.7')
    expect(await bob().source(url('mirror'))).toBe('127.0.0.7')
    const [, password] = /added carol\npassword \(shown this once\): (\S+)/.exec(printed) ?? []
    expect(await moved.client(`carol:${password}`).status(url('mirror'))).toStrictEqual(DENIED)
  })

  test.each([
    ['port', 'http://127.0.0.1:25/'],
    ['domain', 'http://www.games.example/'],
  ])('a denied %s', async (_, target) => {
    expect(await bob().status(target)).toStrictEqual(DENIED)
  })

  test('the partner is reached through the parent that is there', async () => {
    // The parent's own address, not that of `source`.
    expect(await bob().source(url('partner'))).toBe('127.0.0.1')
    expect(await alice().source(url('partner'))).toBe('127.0.0.7')
  })

  test('bob has a week that begins on Sunday', async () => {
    const { used } = JSON.parse(await user(moved.data, ['show', 'bob', '--json'])) as {
      used: { period: string }
    }
    const [kind, day] = used.period.split(':')
    expect(kind).toBe('week')
    expect(new Date(`${day}T12:00:00Z`).getUTCDay()).toBe(0)
  })

  test('rates of each and of all, and the counter with its code', async () => {
    const file = join(folder, 'upload')
    writeFileSync(file, Buffer.alloc(400_000))
    // Less than all may have together, so that neither is in the other's way.
    const [down, up] = await Promise.all([bob().down(url('pouring')), alice().up(file, url('echo'))])
    expectRate(down, 250_000)
    expectRate(up, 125_000)
    expectRate(await total([alice().down(url('pouring')), bob().down(url('pouring'))]), 400_000)
    await alice().down(url('pouring'))
    await expect.poll(async () => (await usage(moved.data, 'alice')).total).toBe(QUOTA)
    expect(await alice().status(url('mirror'))).toStrictEqual(['429', 'QUOTA_EXCEEDED'])
    expect(await bob().status(url('mirror'))).toStrictEqual(['200', ''])
    await expect.poll(() => moved.log).toContain('"code":"QUOTA_EXCEEDED"')
  })
})
