import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { CERTIFICATE, CERTIFICATE_KEY } from '@sluice/net/testing'
import { encodePreamble } from '@sluice/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { getCommand } from './get-command.ts'
import { type Answer, complain, type FakeServer, fakeServer, say } from './testing/fake-server.ts'

const PAGE = 'https://a.example/x'
let server: FakeServer
let answer: Answer
let folder: string

beforeEach(async () => {
  answer = (_got, reply) => say(reply, { headers: [['A', 'b']] }, 'hello\n')
  server = await fakeServer((got, reply) => answer(got, reply))
  folder = mkdtempSync(join(tmpdir(), 'https-proxy-get-'))
})
afterEach(() => {
  server[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

interface Run {
  readonly stdin?: string
  readonly env?: Record<string, string>
  readonly isTTY?: boolean
}

const run = async (argv: readonly string[], { stdin = '', env = {}, isTTY = false }: Run = {}) => {
  const stdout = new PassThrough({ highWaterMark: 1e9 })
  const errors: string[] = []
  const stderr = { isTTY, write: (text: string) => void errors.push(text) }
  const input = Readable.from(stdin === '' ? [] : [Buffer.from(stdin)])
  const command = getCommand({ env, stdin: input, stdout, stderr, schema: z.object({}) })
  const code = await command.run(argv)
  return { code, out: String(stdout.read() ?? ''), err: errors.join('') }
}
/** With the address of the server behind what is asked for. */
const get = (words: readonly string[], options?: Run) => {
  const [url = PAGE, method = 'GET', ...flags] = words
  return run([url, method, '127.0.0.1', String(server.port), ...flags], options)
}
const failure = async (argv: readonly string[], options?: Run): Promise<unknown> =>
  run(argv, options).then(
    () => undefined,
    (error: unknown) => error,
  )

describe('https-proxy get', () => {
  it('prints the body and nothing else', async () => {
    expect(await get([PAGE])).toEqual({ code: 0, out: 'hello\n', err: '' })
    expect(server.all).toMatchObject([
      { preamble: { method: 'GET', url: PAGE, headers: [], redirects: 0, priority: 'normal' } },
    ])
    expect(server.all[0]!.headers['authorization']).toBeUndefined()
  })

  it('knows a response of any status for one', async () => {
    answer = (_got, reply) => say(reply, { status: 500 }, 'sorry')
    expect(await get([PAGE])).toEqual({ code: 0, out: 'sorry', err: '' })
  })

  it('asks as it is told', async () => {
    const headers = ['--header', 'Accept: a, b', '--header=X: ', '--header', 'Accept:c']
    await get(['http://a/', 'purge', ...headers, '--redirects', '3', '--priority', 'high'])
    expect(server.all[0]!.preamble).toEqual({
      method: 'PURGE',
      url: 'http://a/',
      headers: [
        ['Accept', 'a, b'],
        ['X', ''],
        ['Accept', 'c'],
      ],
      redirects: 3,
      priority: 'high',
    })
  })

  it.each([
    [['--body', '-'], 'from stdin'],
    [['--body', 'a text'], 'a text'],
    [['--body', '@FILE'], 'from a file'],
    [[], ''],
  ])('sends the body of %j', async (flags, body) => {
    writeFileSync(join(folder, 'body'), 'from a file')
    const words = flags.map((word) => word.replace('FILE', join(folder, 'body')))
    await get([PAGE, 'POST', ...words], { stdin: 'from stdin' })
    expect(server.all[0]!.body.toString()).toBe(body)
    const headers = body === '' ? [] : [['Content-Type', 'application/json']]
    expect(server.all[0]!.preamble).toMatchObject({ method: 'POST', headers })
    expect(server.all[0]!.headers['content-length'] === undefined).toBe(flags[1] === '-')
  })

  it('leaves a Content-Type as it is', async () => {
    await get([PAGE, 'POST', '--body', 'x', '--header', 'content-type: text/plain'])
    expect(server.all[0]!.preamble).toMatchObject({ headers: [['content-type', 'text/plain']] })
  })

  it('writes the body to a file, and the head to stderr', async () => {
    const file = join(folder, 'out')
    const { out, err } = await get([PAGE, 'GET', '--output', file, '--include'])
    expect([out, err, readFileSync(file, 'utf8')]).toEqual(['', 'HTTP 200\nA: b\n\n', 'hello\n'])
  })

  it.each([
    [['--user', 'ada'], { env: { SLUICE_PASSWORD: 'geheim' } }, `Basic ${btoa('ada:geheim')}`],
    [['--user', 'ada', '--password-stdin'], { stdin: 'geheim\n' }, `Basic ${btoa('ada:geheim')}`],
    [['--token-stdin'], { stdin: 'abc\n' }, 'Bearer abc'],
  ])('signs in: %j', async (flags, options, authorization) => {
    await get([PAGE, 'GET', ...flags], options)
    expect(server.all[0]!.headers['authorization']).toBe(authorization)
  })

  it('reaches a server over TLS, and checks who it is', async () => {
    using secure = await fakeServer((_got, reply) => say(reply, {}, 'safe'), {
      cert: CERTIFICATE,
      key: CERTIFICATE_KEY,
    })
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, CERTIFICATE)
    const words = [PAGE, 'GET', 'localhost', String(secure.port), '--tls']
    expect(await run([...words, '--ca', ca])).toMatchObject({ code: 0, out: 'safe' })
    expect(await run(words)).toMatchObject({ code: 1, err: expect.stringContaining('SERVER_UNTRUSTED') })
  })

  it('shows on a terminal how far it is, if the body is not shown there', async () => {
    const { err, out } = await get([PAGE], { isTTY: true })
    expect([out, err]).toEqual(['hello\n', '\r\u{1b}[K'])
  })
})

describe('where there is no response it exits with 1 and one line', () => {
  it('of what the server says', async () => {
    answer = (_got, reply) =>
      complain(reply, 503, { code: 'QUEUE_FULL', text: 'As many wait as may.', retryAfter: 2 })
    expect(await get([PAGE])).toEqual({
      code: 1,
      out: '',
      err: 'https-proxy: QUEUE_FULL: As many wait as may. Try again in 2 s.\n',
    })
  })

  it('of a server that is not there', async () => {
    const { code, err } = await run([PAGE, 'GET', '127.0.0.1', '1'])
    expect([code, err]).toEqual([1, 'https-proxy: SERVER_UNREACHABLE: 127.0.0.1:1: ECONNREFUSED\n'])
  })

  it('of an answer that breaks off', async () => {
    answer = (_got, reply) => {
      reply.writeHead(200, { 'Content-Type': 'application/vnd.sluice.response' })
      reply.write(encodePreamble(JSON.stringify({ status: 200, headers: [], url: PAGE })))
      reply.write('part', () => setImmediate(() => reply.destroy()))
    }
    const { code, out, err } = await get([PAGE])
    expect([code, out, err]).toEqual([1, 'part', expect.stringMatching(/^https-proxy: RESPONSE_CUT: .*\n$/)])
  })

  it('of a file that cannot be written', async () => {
    const { code, err } = await get([PAGE, 'GET', '--output', join(folder, 'no', 'where')])
    expect([code, err]).toEqual([1, expect.stringMatching(/^https-proxy: ENOENT: .*\n$/)])
  })
})

it.each([
  [[], 'the URL is missing'],
  [['example.com'], 'is no URL'],
  [['ftp://a/'], 'is no URL'],
  [[PAGE, 'GE T'], 'is no method'],
  [[PAGE, 'GET', 'a b'], 'is no host'],
  [[PAGE, 'GET', 'a', '0'], 'is no port'],
  [[PAGE, 'GET', 'a', '1', 'x'], 'one word too many'],
  [[PAGE, '--header', 'x'], 'is no header'],
  [[PAGE, '--header', 'x: \u{20ac}'], 'is no header'],
  [[PAGE, '--header'], 'is no header'],
  [[PAGE, '--priority', 'x'], 'priority'],
  [[PAGE, '--user', 'ada'], 'wants a password'],
  [[PAGE, '--password-stdin'], 'wants --user'],
  [[PAGE, '--token-stdin', '--body', '-'], 'both want standard input'],
  [[PAGE, '--token-stdin', '--user', 'a'], 'two ways'],
  [[PAGE, '--ca', 'x'], 'wants --tls'],
  [[PAGE, '--tls', '--ca', '/nonexistent'], 'cannot read /nonexistent'],
  [[PAGE, '--body', '@/nonexistent'], 'cannot read /nonexistent'],
  [[PAGE, '--body', '@/'], 'cannot read /'],
  [[PAGE, '--nonsense'], '--nonsense'],
])('%j is bad usage', async (argv, text) => {
  expect(await failure(argv)).toMatchObject({ name: 'ConfigError', message: expect.stringContaining(text) })
})

it('tells how it is used', async () => {
  const { out, code } = await run(['--help'])
  expect(code).toBe(0)
  expect(out).toContain('https-proxy get URL [METHOD] [host] [port] [flags]')
  expect(out).toContain('--header NAME:VALUE')
})
