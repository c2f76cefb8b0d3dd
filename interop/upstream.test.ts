import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BODY, deadPort, httpOrigin, httpsOrigin, type Origin } from './origin.ts'
import { type Ended, run } from './process.ts'
import { Servers } from './servers.ts'
import { Sluice, temporaryFolder } from './sluice.ts'

const NAME = 'ada'
const PASSWORD = 'p@ss:word'
const LOGIN = `${NAME}:${encodeURIComponent(PASSWORD)}`

const folder = temporaryFolder()
const servers = new Servers({ name: NAME, password: PASSWORD })
const disposals: (() => Promise<void> | void)[] = []
let web: Origin
let second: Sluice

beforeAll(async () => {
  web = await httpOrigin()
  const secure = await httpsOrigin(folder)
  second = await Sluice.start()
  await second.add(NAME, PASSWORD)
  await servers.startMicrosocks()
  await servers.startDanted()
  await servers.startSquid()
  await servers.startTlsFront(folder, Number(second.http.split(':')[1]))
  disposals.push(
    ...[second, servers].map((each) => () => each[Symbol.asyncDispose]()),
    ...[web, secure].map((each) => () => each[Symbol.dispose]()),
  )
})
afterAll(async () => {
  for (const dispose of disposals) await dispose()
  rmSync(folder, { recursive: true })
})

/** Our proxy with these flags, and a user. */
const proxy = async (...flags: string[]): Promise<Sluice> => {
  const sluice = await Sluice.startIn(
    { NODE_EXTRA_CA_CERTS: join(folder, 'origin.crt') },
    undefined,
    ...flags,
  )
  try {
    await sluice.add(NAME, PASSWORD)
    return sluice
  } catch (error) {
    await sluice[Symbol.asyncDispose]()
    throw error
  }
}

const curl = (sluice: Sluice, url: string, ...flags: string[]): Promise<Ended> => {
  const login = ['--proxy-user', `${NAME}:${PASSWORD}`]
  return run('curl', [
    '-sS',
    '--max-time',
    '20',
    '-p',
    '-x',
    `http://${sluice.http}`,
    ...login,
    ...flags,
    url,
  ])
}
/** The status that CONNECT was answered with. */
const status = async (sluice: Sluice, url: string): Promise<string> =>
  (await curl(sluice, url, '-o', '/dev/null', '-w', '%{http_connect}')).stdout.toString()

const WAYS: readonly (readonly [string, () => string])[] = [
  ['microsocks', () => `socks5://${LOGIN}@127.0.0.1:${servers.port('microsocks')}`],
  ['danted', () => `socks5://127.0.0.1:${servers.port('danted')}`],
  ['another of ours by SOCKS5', () => `socks5h://${LOGIN}@${second.socks}`],
  ['another of ours by CONNECT', () => `http://${LOGIN}@${second.http}`],
  [
    'another of ours behind socat, by CONNECT over TLS',
    () => `https://${LOGIN}@localhost:${servers.port('socat')}`,
  ],
  [
    'another of ours behind socat, by SOCKS5 over TLS',
    () => `socks5s://${LOGIN}@127.0.0.1:${servers.port('socat')}`,
  ],
]

describe.each(WAYS)('through %s', (_, url) => {
  test('curl downloads, uploads, and is told the truth of a target that refuses', async () => {
    await using sluice = await proxy('--upstream', url())
    for (const host of ['127.0.0.1', 'localhost'])
      expect((await curl(sluice, `http://${host}:${web.port}/`)).stdout.equals(BODY)).toBe(true)
    const file = join(folder, 'upload')
    writeFileSync(file, BODY)
    const up = await curl(sluice, `http://127.0.0.1:${web.port}/`, '-H', 'Expect:', '-T', file)
    expect(up.stdout.equals(BODY)).toBe(true)
    expect(await status(sluice, `http://127.0.0.1:${await deadPort()}/`)).toBe('502')
    await expect.poll(() => sluice.log).toContain('"code":"DIAL_REFUSED"')
    expect(sluice.log).not.toContain('"code":"UPSTREAM')
  })
})

describe('plain HTTP through squid', () => {
  const squid = (): string => `http://${LOGIN}@127.0.0.1:${servers.port('squid')}`
  /** Forwarded, not tunnelled. */
  const plain = (sluice: Sluice, ...args: string[]): Promise<Ended> =>
    run('curl', [
      '-sS',
      '--max-time',
      '20',
      '-x',
      `http://${sluice.http}`,
      '--proxy-user',
      `${NAME}:${PASSWORD}`,
      ...args,
    ])
  const asked = (): string => readFileSync(servers.squidLog, 'utf8')

  test('is asked for as such, and never by CONNECT', async () => {
    await using sluice = await proxy('--upstream', squid())
    const url = `http://127.0.0.1:${web.port}/`
    expect((await plain(sluice, url)).stdout.equals(BODY)).toBe(true)
    const file = join(folder, 'upload')
    writeFileSync(file, BODY)
    expect((await plain(sluice, url, '-T', file)).stdout.equals(BODY)).toBe(true)
    expect(
      (await plain(sluice, url, '-d', 'body', '-o', '/dev/null', '-w', '%{http_code}')).stdout.toString(),
    ).toBe('200')
    await expect.poll(asked).toMatch(/ POST http:/)
    expect(asked()).toMatch(/ TCP_MISS\/200 \d+ GET http:[^]* TCP_MISS\/200 \d+ PUT http:/)
    expect(asked()).not.toContain('CONNECT')
    expect((await curl(sluice, url)).stdout.equals(BODY)).toBe(true)
    await expect.poll(asked).toContain(' CONNECT ')
  })

  test('and its 407 is not passed on', async () => {
    const wrong = `http://ada:no@127.0.0.1:${servers.port('squid')}`
    await using sluice = await proxy('--upstream', wrong)
    const { stdout } = await plain(sluice, '-i', `http://127.0.0.1:${web.port}/`)
    expect(stdout.toString()).toMatch(/^HTTP\/1\.1 502 [^]*Sluice-Code: UPSTREAM_AUTH\r\n/)
    expect(stdout.toString()).not.toContain('Proxy-Authenticate')
  })
})

describe('upstreams', () => {
  const configured = async (text: string): Promise<Sluice> => {
    const file = join(folder, 'sluice.yaml')
    writeFileSync(file, text)
    return proxy('--config', file)
  }

  test('in a chain', async () => {
    const hops = [
      `socks5://127.0.0.1:${servers.port('danted')}`,
      `socks5://${LOGIN}@127.0.0.1:${servers.port('microsocks')}`,
      `https://${LOGIN}@localhost:${servers.port('socat')}`,
    ]
    await using sluice = await configured(`upstreams: { default: { chain: ${JSON.stringify(hops)} } }`)
    expect((await curl(sluice, `http://127.0.0.1:${web.port}/`)).stdout.equals(BODY)).toBe(true)
  })

  test('whose credentials are wrong', async () => {
    for (const url of [
      `socks5://ada:no@127.0.0.1:${servers.port('microsocks')}`,
      `http://ada:no@${second.http}`,
    ]) {
      await using sluice = await proxy('--upstream', url)
      expect(await status(sluice, `http://127.0.0.1:${web.port}/`)).toBe('502')
      await expect.poll(() => sluice.log).toContain('"code":"UPSTREAM_AUTH"')
    }
  })

  test('one of which is dead are as good as one, and it comes back', async () => {
    const port = await deadPort()
    const members = [`http://${LOGIN}@127.0.0.1:${port}`, `socks5://127.0.0.1:${servers.port('danted')}`]
    await using sluice = await proxy('--upstream', members.join(','))
    for (let i = 0; i < 4; i++)
      expect((await curl(sluice, `http://127.0.0.1:${web.port}/`)).stdout.equals(BODY)).toBe(true)
    await expect.poll(() => sluice.log).toContain('"msg":"upstream.out"')
    await using late = await Sluice.start(undefined, '--http', `127.0.0.1:${port}`)
    await late.add(NAME, PASSWORD)
    await expect
      .poll(async () => [
        await status(sluice, `http://127.0.0.1:${web.port}/`),
        sluice.log.includes('"upstream.back"'),
      ])
      .toEqual(['200', true])
  })

  test('are printed without their passwords', async () => {
    const main = join(import.meta.dirname, '../apps/remote-proxy/dist/main.mjs')
    const url = `http://${LOGIN}@127.0.0.1:1`
    const { stdout } = await run(process.execPath, [main, '--upstream', url, '--print-config'])
    expect(stdout.toString()).toContain('upstream: "http://ada:***@127.0.0.1:1" # --upstream')
  })
})
