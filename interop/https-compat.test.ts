import { once } from 'node:events'
import { rmSync } from 'node:fs'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Daemon } from './daemon.ts'
import { secureServer } from './origin.ts'
import { run } from './process.ts'
import { PYTHON } from './programs.ts'
import { temporaryFolder } from './sluice.ts'

// A client of the original that somebody else could have written: from the document, in another language.

const CLIENT = join(import.meta.dirname, 'compat_client.py')
const MAIN = join(import.meta.dirname, '../apps/https-proxy/dist/main.mjs')
const folder = temporaryFolder()
let origin: Server
let proxy: Daemon
let base: string

beforeAll(async () => {
  origin = await secureServer(folder, (request, response) => {
    const { method, url = '', headers } = request
    response.setHeader('Set-Cookie', ['a=1', 'b=2'])
    if (url === '/gzip') response.setHeader('Content-Encoding', 'gzip').end(gzipSync('packed'))
    else if (url === '/slow') request.socket.setTimeout(0)
    else if (url === '/large') response.end('x'.repeat(11_000_000))
    else if (url === '/nearly') response.end('é'.repeat(5_000_000))
    else {
      const body: Uint8Array[] = []
      request.on('data', (chunk: Uint8Array) => body.push(chunk))
      request.on('end', () =>
        response.end(
          JSON.stringify({ method, token: headers['x-token'], body: Buffer.concat(body).toString() }),
        ),
      )
    }
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  base = `https://localhost:${(origin.address() as AddressInfo).port}`
  const listeners = ['--listen', '127.0.0.1:0', '--compat', '127.0.0.1:0', '--ops', '127.0.0.1:0']
  const rest = ['--compat-keep-alive', '--request-timeout', '2', '--allow', '127.0.0.0/8', '--data', folder]
  proxy = await Daemon.start([MAIN, ...listeners, ...rest, '--origin-ca', join(folder, 'origin.crt')])
})
afterAll(async () => {
  await proxy.kill()
  origin.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Answer {
  readonly status_code: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const ask = async (request: unknown, ...more: string[]): Promise<Answer[]> => {
  const input = typeof request === 'string' ? request : JSON.stringify(request)
  const where = proxy.listener('compat').split(':')
  const { stdout, stderr } = await run(PYTHON, [CLIENT, ...where, ...more], input)
  expect(stderr).toBe('')
  const lines = stdout.toString().trim().split('\n')
  return lines.filter((line) => line !== 'closed').map((line) => JSON.parse(line) as Answer)
}

test.each([
  [undefined, 'GET', ''],
  ['Grüße', 'POST', 'Grüße'],
])('a request with post_data %j is %s', async (posted, method, body) => {
  const request = { url: `${base}/`, headers: { 'X-Token': 't' }, post_data: posted }
  const [answer] = await ask(request)
  expect(answer).toMatchObject({ status_code: 200, headers: { 'Set-Cookie': 'a=1, b=2' } })
  expect(JSON.parse(answer!.body)).toEqual({ method, token: 't', body })
})

test('a connection carries several requests, in pieces of one octet', async () => {
  const answers = await ask({ url: `${base}/`, headers: {} }, '1', '3')
  expect(answers.map(({ status_code }) => status_code)).toEqual([200, 200, 200])
})

test('a packed body arrives unpacked, and one of nearly 10 MiB whole', async () => {
  const [packed] = await ask({ url: `${base}/gzip`, headers: { 'Accept-Encoding': 'gzip' } })
  expect(packed).toMatchObject({ body: 'packed', headers: { 'Content-Encoding': 'gzip' } })
  const [nearly] = await ask({ url: `${base}/nearly`, headers: {} })
  expect(nearly!.body).toBe('é'.repeat(5_000_000))
})

test.each([
  ['no JSON', 'nonsense', 400],
  ['no URL', '{}', 400],
  ['an answer that is too long', { path: '/large' }, 500],
  ['an origin that does not answer', { path: '/slow' }, 504],
  ['an address that is denied', { url: 'http://169.254.169.254/' }, 403],
  ['nobody there', { url: 'https://127.0.0.1:1/' }, 500],
])('%s is an error', async (_, request, status) => {
  const path =
    typeof request === 'object' && 'path' in request ? { url: `${base}${request.path}` } : undefined
  const [answer] = await ask(path ?? request)
  expect(answer).toMatchObject({ status_code: status, body: '' })
  expect(answer!.headers['Sluice-Code']).toMatch(/^[A-Z_]+$/)
})

test('a request of more than 10 MiB gets no answer', async () => {
  expect(await ask(JSON.stringify({ url: `${base}/`, post_data: 'x'.repeat(10_485_760) }))).toEqual([])
})
