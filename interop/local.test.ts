import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certify, createAuthority } from './authority.ts'
import { BODY, deadPort, httpOrigin, httpsOrigin, type Origin } from './origin.ts'
import { type Ended, run, start, stop } from './process.ts'
import { addUser, Sluice, temporaryFolder } from './sluice.ts'

const MAIN = join(import.meta.dirname, '../apps/remote-proxy/dist/main.mjs')

const folder = temporaryFolder()
const file = (name: string): string => join(folder, name)
let sluice: Sluice
let plain: Origin
let secure: Origin

const tlsListener = (): string[] => [
  ...['--tls', '127.0.0.1:0', '--tls-cert', file('localhost.crt')],
  ...['--tls-key', file('localhost.key')],
]

beforeAll(async () => {
  plain = await httpOrigin()
  secure = await httpsOrigin(folder)
  await createAuthority(folder)
  await certify(folder, 'localhost')
  sluice = await Sluice.start(undefined, ...tlsListener())
  await addUser(sluice.data, 'ada', 'correct horse')
  await sluice.add('bob', 'horse')
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  plain[Symbol.dispose]()
  secure[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

/** `remote-proxy local` with this password on its standard input. */
class Local implements AsyncDisposable {
  readonly address: string
  readonly #child: ReturnType<typeof start>
  readonly #lines: string[]

  static async start(password: string, ...flags: string[]): Promise<Local> {
    const child = start(process.execPath, [
      MAIN,
      'local',
      '--password-stdin',
      '--listen',
      '127.0.0.1:0',
      ...flags,
    ])
    const lines: string[] = []
    const reader = createInterface(child.stdout)
    reader.on('line', (line) => lines.push(line))
    child.stdin.end(`${password}\n`)
    while (!lines.some((line) => line.includes('"ready"'))) await once(reader, 'line')
    return new Local(child, lines)
  }

  private constructor(child: ReturnType<typeof start>, lines: string[]) {
    this.#child = child
    this.#lines = lines
    const line = lines.find((each) => each.includes('"door":"local"')) ?? '{}'
    const { host, port } = JSON.parse(line) as { host: string; port: number }
    this.address = `${host}:${port}`
  }

  get log(): string {
    return this.#lines.join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.#child)
  }
}

const WAYS = {
  'the line, at the SOCKS listener': () => ['horse', '--server', sluice.socks, '--user', 'bob'],
  'the line, at the HTTP listener': () => ['horse', '--server', sluice.http, '--user', 'bob'],
  TLS: () => [
    ...['correct horse', '--server', sluice.listener('tls'), '--user', 'ada'],
    ...['--tls', '--tls-ca', file('ca.crt')],
  ],
} as const

const curl = (...args: string[]): Promise<Ended> =>
  run('curl', ['-sS', '--max-time', '20', '--noproxy', '', '--cacert', file('origin.crt'), ...args])
const http = (): string => `http://127.0.0.1:${plain.port}/`
const https = (): string => `https://localhost:${secure.port}/`

const CLIENTS: readonly (readonly [name: string, way: (address: string) => string[]])[] = [
  ['--socks5', (address) => ['--socks5', address]],
  ['--socks5-hostname', (address) => ['--socks5-hostname', address]],
  ['--proxytunnel', (address) => ['-p', '-x', `http://${address}`]],
]

describe.each(Object.entries(WAYS))('by %s', (_name, way) => {
  let local: Local
  beforeAll(async () => {
    const [password, ...flags] = way()
    local = await Local.start(password!, ...flags)
  })
  afterAll(() => local[Symbol.asyncDispose]())

  test.each(CLIENTS)('curl %s downloads and uploads without a password', async (_flags, client) => {
    for (const url of [http(), https()]) {
      const { stdout, stderr } = await curl(...client(local.address), url)
      expect(stderr).toBe('')
      expect(stdout.equals(BODY)).toBe(true)
    }
    const upload = [
      '-sS',
      '--noproxy',
      '',
      '--cacert',
      file('origin.crt'),
      '-H',
      'Expect:',
      '-T',
      '-',
      https(),
    ]
    const { stdout } = await run('curl', [...client(local.address), ...upload], BODY)
    expect(stdout.equals(BODY)).toBe(true)
  })

  test.each([
    ['a target that is not allowed', () => 'http://10.0.0.1/', '403', 2],
    ['a port where nobody listens', async () => `http://127.0.0.1:${await deadPort()}/`, '502', 5],
  ])('curl is told of %s', async (_, target, status, reply) => {
    const url = await target()
    const tunnel = ['-o', '/dev/null', '-w', '%{http_connect}', '-p', '-x', `http://${local.address}`]
    expect((await curl(...tunnel, url)).stdout.toString()).toBe(status)
    const socks = await curl('--socks5-hostname', local.address, url)
    expect(socks.status).toBe(97)
    expect(socks.stderr).toContain(`(${reply})`)
  })

  test('neither log holds the password', () => {
    expect(local.log + sluice.log).not.toContain('horse')
  })
})

test('a server that goes away and comes back', async () => {
  const data = temporaryFolder()
  await addUser(data, 'bob', 'horse')
  const port = String(await deadPort())
  const open = (): Promise<Sluice> => Sluice.start(data, '--socks', `127.0.0.1:${port}`)
  await using local = await Local.start('horse', '--server', `127.0.0.1:${port}`, '--user', 'bob')
  const get = (): Promise<Ended> => curl('-p', '-x', `http://${local.address}`, http())
  for (let i = 0; i < 2; i++) {
    const server = await open()
    expect((await get()).stdout.equals(BODY)).toBe(true)
    await server[Symbol.asyncDispose]()
  }
  const [ended, same] = await Promise.all([get(), get()])
  expect([ended.stderr, same.stderr].join('')).toMatch(/502/)
  const back = open()
  expect((await get()).stdout.equals(BODY)).toBe(true)
  await (await back)[Symbol.asyncDispose]()
  const said = (): string[] => [...local.log.matchAll(/"server\.(away|back)"/g)].map(([, what]) => what!)
  await expect.poll(said).toEqual(['away', 'back'])
  rmSync(data, { recursive: true })
})

test('what cannot be told to the server is refused, with a way out', async () => {
  const flags = ['local', '--server', sluice.socks, '--user', 'ada', '--password-stdin']
  const { status, stderr } = await run(process.execPath, [MAIN, ...flags], 'correct horse\n')
  expect(status).toBe(2)
  expect(stderr).toMatch(/^remote-proxy: [^\n]*blank[^\n]*--tls[^\n]*\n$/)
  expect(stderr).not.toContain('horse')
})
