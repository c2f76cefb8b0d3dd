import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certify, createAuthority } from './authority.ts'
import { httpsProxy, HttpsProxy } from './https-proxy.ts'
import { deadPort } from './origin.ts'
import { type Ended, run } from './process.ts'
import { temporaryFolder } from './sluice.ts'

const USERS = { ada: 'horse', bo: 'battery' }
const BODY = randomBytes(1_000_000)
const folder = temporaryFolder()
const file = (name: string): string => join(folder, name)
const opened: Server[] = []
let proxy: HttpsProxy
let secure: string
let plain: string

/** Says what it was asked, or what the path wants. */
const answer = (request: IncomingMessage, response: ServerResponse): void => {
  const { method, url: path = '', headers } = request
  if (path === '/body') return void response.end(BODY)
  if (path === '/204' || path === '/304') return void response.writeHead(Number(path.slice(1))).end()
  if (path === '/cookies') return void response.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'] }).end('ok')
  if (path === '/away') return void response.writeHead(302, { Location: 'http://10.0.0.1/' }).end()
  if (path === '/cut')
    return void response.writeHead(200, { 'Content-Length': 10 }).write('five', () => response.destroy())
  const hash = createHash('sha256')
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    hash.update(chunk)
  })
  request.on('end', () =>
    response.end(JSON.stringify({ method, path, headers, size, sum: hash.digest('hex') })),
  )
}

const open = async (server: Server): Promise<number> => {
  opened.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

beforeAll(async () => {
  await createAuthority(folder)
  await certify(folder, 'localhost')
  const [key, cert] = [readFileSync(file('localhost.key')), readFileSync(file('localhost.crt'))]
  secure = `https://localhost:${await open(createHttps({ key, cert }, answer))}`
  plain = `http://localhost:${await open(createServer(answer))}`
  const tls = [
    '--tls',
    '127.0.0.1:0',
    '--tls-cert',
    file('localhost.crt'),
    '--tls-key',
    file('localhost.key'),
  ]
  proxy = await HttpsProxy.startFor(USERS, '--origin-ca', file('ca.crt'), ...tls)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  for (const server of opened) server.close()
})

const curl = (...args: string[]): Promise<Ended> =>
  run('curl', ['-sS', '--max-time', '20', '--noproxy', '', ...args])
const LOGIN = ['--proxy-user', 'ada:horse']
const TRUST = ['--cacert', file('ca.crt')]

describe('a proxy for curl', () => {
  const through = (...args: string[]): Promise<Ended> =>
    curl('-x', `http://${proxy.proxy}`, ...LOGIN, ...args)

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('forwards %s to http', async (method) => {
    const { stdout } = await through('-X', method, `${plain}/it?q=1`)
    expect(JSON.parse(stdout.toString())).toMatchObject({ method, path: '/it?q=1' })
  })
  test('a tunnel to https', async () => {
    const { stdout } = await through(...TRUST, `${secure}/body`)
    expect(stdout.equals(BODY)).toBe(true)
  })
  test('over TLS itself', async () => {
    const { stdout } = await curl(
      ...['-x', `https://localhost:${proxy.listener('tls').split(':')[1]}`, '--proxy-cacert', file('ca.crt')],
      ...LOGIN,
      `${plain}/body`,
    )
    expect(stdout.equals(BODY)).toBe(true)
  })
  test('nobody without a password', async () => {
    const { stdout } = await curl(
      '-x',
      `http://${proxy.proxy}`,
      '-w',
      '%{http_code}',
      '-o',
      '/dev/null',
      plain,
    )
    expect(stdout.toString()).toBe('407')
  })
})

describe('the API for curl', () => {
  const TYPE = 'Content-Type: application/vnd.sluice.request'
  const JSON_TYPE = 'Content-Type: application/json'
  const api = (...args: string[]): Promise<Ended> =>
    curl('-u', 'ada:horse', `http://${proxy.proxy}/v1/requests`, ...args)

  interface Answer {
    readonly status: number
    readonly headers: readonly (readonly [string, string])[]
    readonly body: Buffer
  }

  const message = (preamble: object, body: Uint8Array = Buffer.alloc(0)): Buffer => {
    const text = Buffer.from(JSON.stringify(preamble))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    return Buffer.concat([length, text, body])
  }
  const read = (bytes: Buffer): Answer => {
    const end = 4 + bytes.readUInt32BE(0)
    const preamble = JSON.parse(bytes.toString('utf8', 4, end)) as Omit<Answer, 'body'>
    return { ...preamble, body: bytes.subarray(end) }
  }
  const send = async (preamble: object, body?: Uint8Array): Promise<Answer> => {
    writeFileSync(file('message'), message(preamble, body))
    return read((await api('-H', TYPE, '--data-binary', `@${file('message')}`)).stdout)
  }

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])('%s', async (method) => {
    const { status, body } = await send({ method, url: `${secure}/x`, headers: [['X-Own', 'a']] }, BODY)
    expect(status).toBe(200)
    const sum = createHash('sha256').update(BODY).digest('hex')
    expect(JSON.parse(body.toString())).toMatchObject({
      method,
      size: BODY.length,
      sum,
      headers: { 'x-own': 'a' },
    })
  })
  test('binary bodies, repeated fields, no body', async () => {
    expect((await send({ url: `${secure}/body` })).body.equals(BODY)).toBe(true)
    const { headers } = await send({ url: `${secure}/cookies` })
    expect(headers.filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value)).toEqual(
      ['a=1', 'b=2'],
    )
    for (const status of [204, 304])
      expect(await send({ url: `${secure}/${status}` })).toMatchObject({ status })
    const head = await send({ method: 'HEAD', url: `${secure}/body` })
    expect([head.status, head.body.length]).toEqual([200, 0])
  })
  test('a redirect to a private address is not followed', async () => {
    expect(await send({ url: `${plain}/away` })).toMatchObject({ status: 302 })
    writeFileSync(file('message'), message({ url: `${plain}/away`, redirects: 3 }))
    const { stdout } = await api('-H', TYPE, '--data-binary', `@${file('message')}`, '-i')
    expect(stdout.toString()).toMatch(/^HTTP\/1\.1 403 [^]*"code":"TARGET_DENIED"/)
  })
  test('a cut is seen', async () => {
    writeFileSync(file('message'), message({ url: `${secure}/cut` }))
    const { status } = await api('-H', TYPE, '--data-binary', `@${file('message')}`)
    expect([18, 56]).toContain(status)
  })
  test('JSON, and HTTP/2', async () => {
    const asked = JSON.stringify({
      method: 'POST',
      url: `${secure}/j`,
      headers: [],
      body: BODY.toString('base64'),
    })
    writeFileSync(
      file('json'),
      asked.replace(BODY.toString('base64'), Buffer.from('small').toString('base64')),
    )
    const { stdout } = await curl(
      ...[
        '--http2',
        '--cacert',
        file('ca.crt'),
        '-u',
        'bo:battery',
        '-H',
        JSON_TYPE,
        '--data-binary',
        `@${file('json')}`,
      ],
      ...['-w', '\n%{http_version}', `https://localhost:${proxy.listener('tls').split(':')[1]}/v1/requests`],
    )
    const [body = '', version] = stdout.toString().split('\n')
    const answered = JSON.parse(body) as { status: number; body: string }
    expect([answered.status, version]).toEqual([200, '2'])
    expect(JSON.parse(Buffer.from(answered.body, 'base64').toString())).toMatchObject({
      method: 'POST',
      size: 5,
    })
  })
  test('failures have their words', async () => {
    writeFileSync(file('message'), message({ url: `https://localhost:${await deadPort()}/` }))
    const refused = await api('-H', TYPE, '--data-binary', `@${file('message')}`, '-i')
    expect(refused.stdout.toString()).toMatch(/^HTTP\/1\.1 502 [^]*"code":"DIAL_REFUSED"/)
    const stranger = await curl(`http://${proxy.proxy}/v1/queue`, '-i')
    expect(stranger.stdout.toString()).toMatch(/^HTTP\/1\.1 401 /)
    const queue = await curl(`http://${proxy.proxy}/v1/queue`, '-u', 'ada:horse')
    expect(JSON.parse(queue.stdout.toString())).toMatchObject({ slots: 100, waiting: 0 })
  })
  test('an origin whose certificate nobody has signed', async () => {
    const other = temporaryFolder()
    await createAuthority(other)
    await certify(other, 'localhost')
    const [key, cert] = ['key', 'crt'].map((kind) => readFileSync(join(other, `localhost.${kind}`)))
    const port = await open(createHttps({ key, cert }, answer))
    writeFileSync(file('message'), message({ url: `https://localhost:${port}/` }))
    const { stdout } = await api('-H', TYPE, '--data-binary', `@${file('message')}`, '-i')
    expect(stdout.toString()).toMatch(/^HTTP\/1\.1 502 [^]*"code":"ORIGIN_UNTRUSTED"/)
  })
})

test('usage is what has passed', async () => {
  const down = async (): Promise<number> => {
    const { stdout } = await httpsProxy(['user', 'usage', 'ada', '--json', '--data', proxy.data])
    return (JSON.parse(stdout.toString()) as { down: number }).down
  }
  await expect.poll(down).toBeGreaterThan(BODY.length)
})
