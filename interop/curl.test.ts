import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BODY, deadPort, httpOrigin, httpsOrigin, type Origin } from './origin.ts'
import { type Ended, run, start, stop } from './process.ts'
import { Sluice, temporaryFolder, usage, user } from './sluice.ts'

const NAME = 'ada'
const PASSWORD = 'correct horse'
const ODD: readonly (readonly [name: string, password: string])[] = [
  ['percent', '100%25%2f'],
  ['colon', 'a:b::c:'],
  ['blank', ' a  b '],
  ['quote', `'"\`$x\\`],
  ['at', '@/#?&=+'],
  ['utf8', 'пароль-密码-🔑'],
  [`o'dd%"@/#?&-имя`, 'any'],
]
const LONG_NAME = 'u'.repeat(255)
const LONG_PASSWORD = 'p'.repeat(255)

const folder = temporaryFolder()
let sluice: Sluice
let plain: Origin
let secure: Origin

beforeAll(async () => {
  plain = await httpOrigin()
  secure = await httpsOrigin(folder)
  sluice = await Sluice.start()
  const users = [...ODD, [LONG_NAME, LONG_PASSWORD] as const, [NAME, PASSWORD] as const]
  for (const [name, password] of users.slice(0, -1))
    await user(sluice.data, ['add', name, '--password-stdin'], `${password}\n`)
  await sluice.add(NAME, PASSWORD)
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  plain[Symbol.dispose]()
  secure[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

/** curl as anybody calls it, and no longer than 20 s. */
const curl = (...args: string[]): Promise<Ended> =>
  run('curl', [
    '-sS',
    '--fail',
    '--max-time',
    '20',
    '--noproxy',
    '',
    '--cacert',
    `${folder}/origin.crt`,
    ...args,
  ])

const http = (path = ''): string => `http://127.0.0.1:${plain.port}/${path}`
const https = (): string => `https://localhost:${secure.port}/`

/** As curl wants a login: it decodes percent signs. */
const proxyUser = (name: string, password: string): string[] => [
  '--proxy-user',
  `${name}:${password}`.replaceAll('%', '%25'),
]

/** How curl is told to go through the proxy; every listener takes every protocol. */
const WAYS: readonly (readonly [string, () => string[]])[] = [
  ['--socks5', () => ['--socks5', sluice.socks]],
  ['--socks5-hostname', () => ['--socks5-hostname', sluice.socks]],
  ['--socks5 at the other listener', () => ['--socks5', sluice.http]],
  ['--proxytunnel', () => ['-p', '-x', `http://${sluice.http}`]],
  ['--proxytunnel at the other listener', () => ['-p', '-x', `http://${sluice.socks}`]],
]
const tunnel = (): string[] => ['-p', '-x', `http://${sluice.http}`]
const LOGIN = ['--proxy-user', `${NAME}:${PASSWORD}`]

describe.each(WAYS)('curl %s', (_flags, way) => {
  test('downloads over HTTP and HTTPS', async () => {
    for (const url of [http(), https()]) {
      const { stdout, stderr } = await curl(...way(), ...LOGIN, url)
      expect(stderr).toBe('')
      expect(stdout.equals(BODY)).toBe(true)
    }
  })

  test('uploads', async () => {
    const args = [...way(), ...LOGIN, '-H', 'Expect:', '-T', '-', https()]
    const { stdout } = await run(
      'curl',
      ['-sS', '--cacert', `${folder}/origin.crt`, '--noproxy', '', ...args],
      BODY,
    )
    expect(stdout.equals(BODY)).toBe(true)
  })

  test.each(ODD)('signs in as %s', async (name, password) => {
    const { stderr, stdout } = await curl(...way(), ...proxyUser(name, password), http())
    expect(stderr).toBe('')
    expect(stdout.equals(BODY)).toBe(true)
  })

  test('reaches an IPv6 address', async () => {
    using six = await httpOrigin('::1')
    const { stdout, stderr } = await curl(...way(), ...LOGIN, `http://[::1]:${six.port}/`)
    expect(stderr).toBe('')
    expect(stdout.equals(BODY)).toBe(true)
  })

  test('signs in with 255 bytes of name and password', async () => {
    const { stdout } = await curl(...way(), ...proxyUser(LONG_NAME, LONG_PASSWORD), http())
    expect(stdout.equals(BODY)).toBe(true)
  })

  test('makes several requests over one connection, and in parallel', async () => {
    const urls = Array.from({ length: 8 }, (_, n) => http(String(n)))
    for (const more of [[], ['--parallel']]) {
      const { status, stdout } = await curl(...more, ...way(), ...LOGIN, ...urls)
      expect(status).toBe(0)
      expect(stdout.length).toBe(8 * BODY.length)
    }
  })
})

describe('curl -x, without a tunnel', () => {
  const way = (): string[] => ['-x', `http://${sluice.http}`]

  test.each([...ODD, [LONG_NAME, LONG_PASSWORD] as const])('signs in as %.20s', async (name, password) => {
    const { stderr, stdout } = await curl(...way(), ...proxyUser(name, password), http())
    expect(stderr).toBe('')
    expect(stdout.equals(BODY)).toBe(true)
  })

  test('reaches an IPv6 address', async () => {
    using six = await httpOrigin('::1')
    const { stdout } = await curl(...way(), ...LOGIN, `http://[::1]:${six.port}/`)
    expect(stdout.equals(BODY)).toBe(true)
  })
})

describe('curl is told', () => {
  const quiet = ['-sS', '-o', '/dev/null', '-w', '%{http_connect}']
  const connect = (login: string[], url: string, ...more: string[]): Promise<Ended> =>
    run('curl', [...quiet, ...tunnel(), ...login, ...more, url])

  test.each([
    ['a wrong password', ['--proxy-user', `${NAME}:wrong`], '407'],
    ['nobody', ['--proxy-user', 'nobody:x'], '407'],
    ['no credentials', [], '407'],
  ])('by CONNECT and SOCKS5 about %s', async (_, login, status) => {
    expect((await connect(login, http())).stdout.toString()).toBe(status)
    const socks = await curl('--socks5', sluice.socks, ...login, http())
    expect(socks.status).toBe(97)
    expect(socks.stderr).toMatch(
      /User was rejected by the SOCKS5 server|No authentication method was acceptable/,
    )
  })

  test.each([
    ['a port where nobody listens', async () => `http://127.0.0.1:${await deadPort()}/`, '502', 5],
    ['a target that is not allowed', () => 'http://10.0.0.1/', '403', 2],
    ['metadata services', () => 'http://169.254.169.254/', '403', 2],
    ['a name that nobody has', () => 'http://nobody.invalid/', '502', 4],
  ])('by CONNECT and SOCKS5 about %s', async (_, target, status, reply) => {
    const url = await target()
    expect((await connect(LOGIN, url)).stdout.toString()).toBe(status)
    const socks = await curl('--socks5-hostname', sluice.socks, ...LOGIN, url)
    expect(socks.status).toBe(97)
    expect(socks.stderr).toContain(`(${reply})`)
  })

  test('about the listeners of the program itself', async () => {
    expect((await connect(LOGIN, `http://${sluice.socks}/`)).stdout.toString()).toBe('403')
  })

  test('that it has too many connections', async () => {
    await sluice.add('single', 'x', '--connections', '1')
    const login = ['--proxy-user', 'single:x']
    const connections = async (): Promise<unknown> => {
      const { stdout } = await run('curl', ['-sS', `http://${sluice.ops}/v1/users`])
      const { users } = JSON.parse(stdout.toString()) as { users: { name: string; connections: number }[] }
      return users.find(({ name }) => name === 'single')?.connections
    }
    // An upload whose end does not come.
    const held = start('curl', ['-sS', '--noproxy', '', ...tunnel(), ...login, '-T', '-', http()])
    await expect.poll(connections).toBe(1)
    expect((await connect(login, http())).stdout.toString()).toBe('429')
    await stop(held)
    await expect.poll(connections).toBe(0)
    expect((await connect(login, http())).stdout.toString()).toBe('200')
  })
})

const socks5h = (login: string, url: string): Promise<Ended> =>
  curl('-x', `socks5h://${login}@${sluice.socks}`, url)

describe('cases of curl’s own suite', () => {
  test('717: name and password in the URL', async () => {
    const { stdout } = await socks5h(`${NAME}:${encodeURIComponent(PASSWORD)}`, http())
    expect(stdout.equals(BODY)).toBe(true)
  })

  test('718: 407 at the first request, then closed; curl comes back with credentials', async () => {
    const { stdout, stderr } = await curl('-v', '--proxy-anyauth', ...tunnel(), ...LOGIN, http())
    expect(stderr).toMatch(/< HTTP\/1\.1 407 [^]*Proxy-Authorization: Basic [^]*< HTTP\/1\.1 200 /)
    expect(stdout.equals(BODY)).toBe(true)
  })

  test('719, 720: addresses go as addresses', async () => {
    using six = await httpOrigin('::1')
    for (const url of [`http://[::1]:${six.port}/`, http()]) {
      const { stdout } = await socks5h(`${NAME}:${encodeURIComponent(PASSWORD)}`, url)
      expect(stdout.equals(BODY)).toBe(true)
    }
  })

  test('721: names go as names', async () => {
    const { stdout } = await socks5h(
      `${NAME}:${encodeURIComponent(PASSWORD)}`,
      `http://localhost:${plain.port}/`,
    )
    expect(stdout.equals(BODY)).toBe(true)
    await expect.poll(() => sluice.log.includes(`"target":"localhost:${plain.port}"`)).toBe(true)
  })

  test('742: 255 bytes of name and password, 254 of host', async () => {
    const host = `${'h'.repeat(62)}.`.repeat(4) + 'hh'
    expect((await socks5h(`${LONG_NAME}:${LONG_PASSWORD}`, `http://${host}/`)).status).toBe(97)
    await expect.poll(() => sluice.log.includes(`"target":"${host}:80","code":"DIAL_NAME_`)).toBe(true)
  })

  test('2055: through one proxy to another', async () => {
    await using second = await Sluice.start()
    await second.add('both', 'x')
    await sluice.add('both', 'x')
    const way = ['--preproxy', `socks5://both:x@${sluice.socks}`, '-p', '-x', `http://both:x@${second.http}`]
    const { stdout, stderr } = await curl(...way, https())
    expect(stderr).toBe('')
    expect(stdout.equals(BODY)).toBe(true)
  })
})

test('user link prints what curl takes', async () => {
  const flags = ['--http', sluice.http, '--socks', sluice.socks, '--new-password']
  await user(sluice.data, ['add', `it's%`])
  const printed = await user(sluice.data, ['link', `it's%`, ...flags])
  const password = /once\): (\S+)/.exec(printed)?.[1] ?? ''
  await sluice.known(`it's%`, password)
  const lines = printed.split('\n').filter((line) => line.startsWith('curl '))
  expect(lines.length).toBe(4)
  for (const line of lines) {
    const { stdout, stderr } = await run('sh', ['-c', line.replace(/\S+$/, `-sS ${http()}`)])
    expect(stderr).toBe('')
    expect(stdout.equals(BODY)).toBe(true)
  }
})

test('what curl moved was booked, and nothing secret was logged', async () => {
  const { up, down } = await usage(sluice.data, NAME)
  expect(down).toBeGreaterThan(20 * BODY.length)
  expect(up).toBeGreaterThan(5 * BODY.length)
  for (const [, password] of ODD.slice(0, -1))
    expect(sluice.log).not.toContain(JSON.stringify(password).slice(1, -1))
  expect(sluice.log).not.toContain('INTERNAL')
  expect(sluice.log).not.toContain('horse')
})
