import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Daemon } from './daemon.ts'
import { BODY, httpsOrigin, type Origin } from './origin.ts'
import { type Ended, run } from './process.ts'
import { temporaryFolder } from './sluice.ts'

// The built program as its own client, in the words of the original's.

const MAIN = join(import.meta.dirname, '../apps/https-proxy/dist/main.mjs')
const folder = temporaryFolder()
let secure: Origin
let plain: Server
let proxy: Daemon
let login: string
let echo: string

/** Says what it was asked, or gives the body back. */
const start = async (): Promise<void> => {
  plain = createServer((request, response) => {
    response
      .setHeader('X-Method', request.method ?? '')
      .setHeader('X-Type', request.headers['content-type'] ?? '')
    if (request.url === '/cut') {
      response.writeHead(200, { 'Content-Length': 10 }).write('12345')
      setTimeout(() => response.destroy(), 100)
    } else {
      response.statusCode = request.url === '/missing' ? 404 : 200
      request.pipe(response)
    }
  })
  plain.listen(0, '127.0.0.1')
  await once(plain, 'listening')
  echo = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`
}

beforeAll(async () => {
  await start()
  secure = await httpsOrigin(folder)
  const added = await run(
    process.execPath,
    [MAIN, 'user', 'add', 'ada', '--password-stdin', '--data', folder],
    'horse\n',
  )
  if (added.status !== 0) throw new Error(added.stderr)
  const listeners = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--data', folder]
  const rest = ['--allow', '127.0.0.0/8', '--origin-ca', join(folder, 'origin.crt')]
  proxy = await Daemon.start([MAIN, ...listeners, ...rest])
  login = proxy.listener('proxy')
})
afterAll(async () => {
  await proxy.kill()
  plain.close()
  secure[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true })
})

const get = (
  words: readonly string[],
  input: string | Uint8Array = '',
  password = 'horse',
): Promise<Ended> => {
  const [url = '', method = 'GET', ...flags] = words
  const where = login.split(':')
  const argv = [MAIN, 'get', url, method, ...where, '--user', 'ada', ...flags]
  return run(process.execPath, argv, input, { SLUICE_PASSWORD: password })
}

test('a page over TLS arrives octet by octet, on standard output or in a file', async () => {
  const url = `https://localhost:${secure.port}/`
  const shown = await get([url])
  expect([shown.status, shown.stderr, shown.stdout.equals(BODY)]).toEqual([0, '', true])
  const file = join(folder, 'page')
  const { status, stdout } = await get([url, 'GET', '--output', file])
  expect([status, stdout.length, readFileSync(file).equals(BODY)]).toEqual([0, 0, true])
})

test.each(['-', '@FILE'])('a large body goes up from %s and comes back', async (from) => {
  const body = randomBytes(20_000_000)
  const file = join(folder, 'body')
  writeFileSync(file, body)
  const { status, stdout } = await get(
    [`${echo}/`, 'PUT', '--body', from.replace('FILE', file)],
    from === '-' ? body : '',
  )
  const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  expect([status, sum(stdout)]).toEqual([0, sum(body)])
})

test('POST posts, as JSON unless it is told', async () => {
  const { status, stdout, stderr } = await get([`${echo}/missing`, 'POST', '--body', '{"a":1}', '--include'])
  expect([status, stdout.toString()]).toEqual([0, '{"a":1}'])
  expect(stderr).toMatch(/^HTTP 404\n/)
  expect(stderr).toMatch(/^x-method: POST$/im)
  expect(stderr).toMatch(/^x-type: application\/json$/im)
})

test.each([
  ['an origin that breaks off', () => [`${echo}/cut`], 'horse', /RESPONSE_CUT/],
  ['nobody there', () => ['http://127.0.0.1:1/'], 'horse', /DIAL_REFUSED/],
  ['an address that is denied', () => ['http://169.254.169.254/'], 'horse', /TARGET_DENIED/],
  ['a wrong password', () => [`${echo}/`], 'donkey', /AUTH_FAILED/],
])('%s exits with 1 and one line', async (_, words, password, line) => {
  const { status, stderr } = await get(words(), '', password)
  expect(status).toBe(1)
  expect(stderr).toMatch(line)
  expect(stderr.trim().split('\n')).toHaveLength(1)
})

test('bad usage exits with 2 and one line', async () => {
  const { status, stderr } = await get(['nonsense'])
  expect([status, stderr.trim().split('\n').length]).toEqual([2, 1])
})
