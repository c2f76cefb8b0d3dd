import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certify, createAuthority } from './authority.ts'
import { BODY, deadPort, httpOrigin, httpsOrigin, type Origin } from './origin.ts'
import { type Ended, run, start, stop } from './process.ts'
import { addUser, Sluice, temporaryFolder } from './sluice.ts'

const LOGIN = ['--proxy-user', 'ada:correct horse']

const folder = temporaryFolder()
const file = (name: string): string => join(folder, name)
let sluice: Sluice
let plain: Origin
let secure: Origin

beforeAll(async () => {
  plain = await httpOrigin()
  secure = await httpsOrigin(folder)
  await createAuthority(folder)
  for (const name of ['localhost', 'renewed', 'laptop']) await certify(folder, name)
  copyFileSync(file('localhost.crt'), file('proxy.crt'))
  copyFileSync(file('localhost.key'), file('proxy.key'))
  sluice = await Sluice.start(undefined, ...listener('proxy'))
  await sluice.add('ada', 'correct horse')
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  plain[Symbol.dispose]()
  secure[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

const listener = (name: string): string[] => [
  '--tls',
  '127.0.0.1:0',
  '--tls-cert',
  file(`${name}.crt`),
  '--tls-key',
  file(`${name}.key`),
]

const proxy = (through = sluice): string => `https://localhost:${through.listener('tls').split(':')[1]}`
const trust = (): string[] => ['--proxy-cacert', file('ca.crt'), '--cacert', file('origin.crt')]
const curl = (...args: string[]): Promise<Ended> =>
  run('curl', ['-sS', '--fail', '--max-time', '20', '--noproxy', '', ...args])
const http = (): string => `http://127.0.0.1:${plain.port}/`
const https = (): string => `https://localhost:${secure.port}/`

describe('curl through an HTTPS proxy', () => {
  test('downloads over HTTP and HTTPS', async () => {
    for (const url of [http(), https()]) {
      const { stdout, stderr } = await curl(...trust(), '-p', '-x', proxy(), ...LOGIN, url)
      expect(stderr).toBe('')
      expect(stdout.equals(BODY)).toBe(true)
    }
  })

  test('uploads', async () => {
    const args = [
      ...trust(),
      '-sS',
      '--noproxy',
      '',
      '-x',
      proxy(),
      ...LOGIN,
      '-H',
      'Expect:',
      '-T',
      '-',
      https(),
    ]
    const { stdout, stderr } = await run('curl', args, BODY)
    expect(stderr).toBe('')
    expect(stdout.equals(BODY)).toBe(true)
  })

  test.each([
    ['a wrong password', 'ada:wrong', http, '407'],
    ['a target that is not allowed', 'ada:correct horse', () => 'http://10.0.0.1/', '403'],
  ])('is told of %s, and that it was all', async (_, login, url, status) => {
    const { stdout, stderr } = await run('curl', [
      ...['-sS', '-o', '/dev/null', '-w', '%{http_connect}', '--max-time', '20', '--noproxy', ''],
      ...[...trust(), '-p', '-x', proxy(), '--proxy-user', login, url()],
    ])
    expect(stdout.toString()).toBe(status)
    expect(stderr).toContain('CONNECT tunnel failed')
  })

  test('trusts no certificate of somebody else, and the log says so', async () => {
    const { stderr } = await curl('-p', '-x', proxy(), ...LOGIN, http())
    expect(stderr).toContain('certificate')
    await expect.poll(() => sluice.log).toContain('"code":"TLS_FAILED"')
  })

  test('sessions that it ends are regular ones', async () => {
    await using other = await Sluice.start(undefined, ...listener('proxy'))
    await other.add('ada', 'correct horse')
    for (let i = 0; i < 10; i++) await curl(...trust(), '-p', '-x', proxy(other), ...LOGIN, https())
    const codes = (): string[] =>
      other.log.split('\n').filter((line) => line.includes('"door":"tls"') && line.includes('"session.end"'))
    await expect.poll(() => codes().length).toBe(10)
    expect(codes().filter((line) => !line.includes('"code":"OK"'))).toEqual([])
  })
})

test('SOCKS5 over TLS, by openssl s_client', async () => {
  const words = Buffer.concat([
    Buffer.from('sumbit: ada x \r\n'),
    Buffer.of(5, 1, 0),
    Buffer.of(5, 1, 0, 1, 127, 0, 0, 1, plain.port >> 8, plain.port & 0xff),
    Buffer.from('GET / HTTP/1.0\r\n\r\n'),
  ])
  await using other = await Sluice.start(undefined, ...listener('proxy'))
  await other.add('ada', 'x')
  const where = ['-connect', other.listener('tls'), '-servername', 'localhost', '-CAfile', file('ca.crt')]
  const { stdout } = await run(
    'openssl',
    ['s_client', '-quiet', '-ign_eof', '-verify_return_error', ...where],
    words,
  )
  expect(stdout.subarray(0, 5)).toEqual(Buffer.of(5, 0, 5, 0, 0))
  expect(stdout.subarray(-BODY.length).equals(BODY)).toBe(true)
})

test('client certificates', async () => {
  await using strict = await Sluice.start(undefined, ...listener('proxy'), '--tls-client-ca', file('ca.crt'))
  await strict.add('ada', 'correct horse')
  const mine = ['--proxy-cert', file('laptop.crt'), '--proxy-key', file('laptop.key')]
  const way = [...trust(), '-p', '-x', proxy(strict), ...LOGIN]
  expect((await curl(...way, ...mine, https())).stdout.equals(BODY)).toBe(true)
  expect((await curl(...way, https())).status).not.toBe(0)
  await expect.poll(() => strict.log).toContain('"code":"TLS_FAILED"')
})

test('a certificate that is replaced', async () => {
  const shown = async (): Promise<string> => {
    const { stdout } = await run('openssl', ['s_client', '-connect', sluice.listener('tls')])
    return /subject=.*/.exec(stdout.toString())?.[0] ?? ''
  }
  expect(await shown()).toBe('subject=CN = localhost')
  copyFileSync(file('renewed.crt'), file('proxy.crt'))
  copyFileSync(file('renewed.key'), file('proxy.key'))
  await expect.poll(shown).toBe('subject=CN = renewed')
})

describe('haproxy in front', () => {
  /** Passes a port on to `to`, with a PROXY header. @returns the port */
  const balance = async (to: string, how: string): Promise<AsyncDisposable & { port: number }> => {
    const port = await deadPort()
    const config = `global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen front
  bind 127.0.0.1:${port}
  server proxy ${to} ${how}
`
    writeFileSync(file('haproxy.cfg'), config)
    const child = start('haproxy', ['-db', '-f', file('haproxy.cfg')])
    const isUp = async (): Promise<boolean> =>
      (await run('nc', ['-z', '127.0.0.1', String(port)])).status === 0
    await expect.poll(isUp).toBe(true)
    return { port, [Symbol.asyncDispose]: () => stop(child) }
  }

  test.each(['send-proxy', 'send-proxy-v2'])('%s: the client is who came to it', async (how) => {
    await using inner = await Sluice.start(undefined, ...listener('proxy'), '--proxy-protocol', '127.0.0.1')
    await addUser(inner.data, 'ada', 'correct horse')
    for (const [door, scheme] of [
      ['socks', 'socks5h'],
      ['http', 'http'],
      ['tls', 'https'],
    ] as const) {
      await using front = await balance(inner.listener(door), how)
      const way = ['--interface', '127.0.0.3', '-p', '-x', `${scheme}://localhost:${front.port}`]
      const download = async (): Promise<boolean> =>
        (await curl(...trust(), ...way, ...LOGIN, http())).stdout.equals(BODY)
      await expect.poll(download).toBe(true)
      await expect
        .poll(() => inner.log)
        .toMatch(new RegExp(`"door":"${door}".*"client":"127.0.0.3:.*"code":"OK"`))
    }
  })
})
