import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deadPort } from './origin.ts'
import { type Ended, run } from './process.ts'
import { Sluice } from './sluice.ts'

const LOGIN = ['--proxy-user', 'ada:horse']
const LARGE = randomBytes(20_000_000)

/** Says what it was asked, or what the path wants. */
const answer = (request: IncomingMessage, response: ServerResponse): void => {
  const path = request.url ?? ''
  const hash = createHash('sha256')
  if (path === '/large') return void response.end(LARGE)
  if (path === '/chunks') {
    response.writeHead(200, { Trailer: 'X-Sum' })
    response.write('one')
    response.write('two')
    response.addTrailers({ 'X-Sum': '6' })
    return void response.end()
  }
  if (path === '/204' || path === '/304') return void response.writeHead(Number(path.slice(1))).end()
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    hash.update(chunk)
  })
  request.on('end', () => {
    const { method, httpVersion, headers, trailers } = request
    const sum = hash.digest('hex')
    response.end(JSON.stringify({ method, path, httpVersion, headers, trailers, size, sum }))
  })
}

interface Told {
  readonly method: string
  readonly path: string
  readonly httpVersion: string
  readonly headers: Readonly<Record<string, string>>
  readonly trailers: Readonly<Record<string, string>>
  readonly size: number
  readonly sum: string
}

const opened: Server[] = []
let sluice: Sluice
let here: string
let there: string
let conns = 0

const open = async (): Promise<string> => {
  const server = createServer(answer).listen(0, '127.0.0.1')
  server.on('connection', () => (conns += 1))
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  await once(server, 'listening')
  opened.push(server)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  here = await open()
  there = await open()
  sluice = await Sluice.start()
  await sluice.add('ada', 'horse')
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  for (const server of opened) server.close()
})

/** curl through the proxy, not through a tunnel. */
const curl = (args: readonly string[], input?: Uint8Array): Promise<Ended> =>
  run('curl', ['-sS', '--max-time', '20', '--noproxy', '', '-x', `http://${sluice.http}`, ...args], input)
const told = async (args: readonly string[], input?: Uint8Array): Promise<Told> => {
  const { stdout, stderr } = await curl([...LOGIN, ...args], input)
  expect(stderr).toBe('')
  return JSON.parse(stdout.toString()) as Told
}
const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('curl', () => {
  test('gets, and the origin sees a request of its own', async () => {
    const { path, headers } = await told([`${here}/a?b=c`])
    expect(path).toBe('/a?b=c')
    expect(headers['via']).toMatch(/^1\.1 sluice-[0-9a-f]{8}$/)
    expect(headers).not.toHaveProperty('proxy-authorization')
    expect(headers).not.toHaveProperty('proxy-connection')
  })

  test.each([
    ['posts', ['-d', 'hello'], 'POST', 5],
    ['posts in chunks', ['-d', 'hello', '-H', 'Transfer-Encoding: chunked'], 'POST', 5],
    ['deletes with a body', ['-X', 'DELETE', '-d', 'hello'], 'DELETE', 5],
    ['deletes without one', ['-X', 'DELETE'], 'DELETE', 0],
    ['gets with a body', ['-X', 'GET', '-d', 'hello'], 'GET', 5],
  ])('%s', async (_, args, method, size) => {
    expect(await told([...args, here])).toMatchObject({ method, size })
  })

  test.each([
    ['with 100 (Continue)', ['-H', 'Expect: 100-continue'], []],
    ['in chunks', [], ['-H', 'Transfer-Encoding: chunked']],
  ])('puts much %s', async (_, expecting, more) => {
    const args = ['-T', '-', ...expecting, ...more, `${here}/put`]
    expect(await told(args, LARGE)).toMatchObject({ method: 'PUT', size: LARGE.length, sum: sumOf(LARGE) })
  })

  test('gets much', async () => {
    const { stdout } = await curl([...LOGIN, `${here}/large`])
    expect(sumOf(stdout)).toBe(sumOf(LARGE))
  })

  test('gets chunks and trailers', async () => {
    const { stdout } = await curl([...LOGIN, '--raw', '-i', `${here}/chunks`])
    expect(stdout.toString()).toMatch(
      /\r\nTrailer: X-Sum\r\n[^]*\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\n$/,
    )
  })

  test.each([
    ['HEAD', ['-I'], '/', '200'],
    ['no content', [], '/204', '204'],
    ['not modified', [], '/304', '304'],
  ])('is told %s, and asks again on the same connection', async (_, args, path, status) => {
    const format = '%{http_code} %{num_connects}\n'
    const urls = [here + path, here + path]
    const { stdout } = await curl([
      ...LOGIN,
      ...args,
      '-o',
      '/dev/null',
      '-o',
      '/dev/null',
      '-w',
      format,
      ...urls,
    ])
    expect(stdout.toString()).toBe(`${status} 1\n${status} 0\n`)
  })

  test('uses one connection for two origins, and one to each', async () => {
    const before = conns
    const urls = [here, there, here, there]
    const outputs = urls.flatMap(() => ['-o', '/dev/null'])
    const { stdout } = await curl([...LOGIN, ...outputs, '-w', '%{num_connects}\n', ...urls])
    expect(stdout.toString()).toBe('1\n0\n0\n0\n')
    expect(conns - before).toBe(2)
  })

  test('is asked for its credentials, and comes again on the same connection', async () => {
    const args = ['--proxy-anyauth', ...LOGIN, '-w', '\n%{http_code} %{num_connects}', here]
    const { stdout } = await curl(args)
    expect(stdout.toString()).toMatch(/\n200 1$/)
  })

  test('speaks HTTP/1.0', async () => {
    expect((await told(['-0', `${here}/old`])).httpVersion).toBe('1.0')
    expect(await told(['-0', '-d', 'hello', here])).toMatchObject({ method: 'POST', size: 5 })
  })

  test.each([
    ['a wrong password', async () => ['--proxy-user', 'ada:wrong', here], '407'],
    ['a port where nobody listens', async () => [...LOGIN, `http://127.0.0.1:${await deadPort()}/`], '502'],
    ['a name that nobody has', async () => [...LOGIN, 'http://nobody.invalid/'], '502'],
    ['a target that is not allowed', async () => [...LOGIN, 'http://10.0.0.1/'], '403'],
    ['a circle', async () => [...LOGIN, '-H', `Via: 1.1 ${await viaOf()}`, here], '508'],
    [
      'another coding',
      async () => [...LOGIN, '-d', 'x', '-H', 'Transfer-Encoding: gzip, chunked', here],
      '501',
    ],
  ])('is told of %s', async (_, args, status) => {
    const { stdout } = await curl(['-o', '/dev/null', '-w', '%{http_code}', ...(await args())])
    expect(stdout.toString()).toBe(status)
  })
})

/** The name that this program gives itself. */
const viaOf = async (): Promise<string> => (await told([here])).headers['via']!.split(' ')[1]!

test('a connection becomes another protocol’s', async () => {
  const [host = '', port] = sluice.http.split(':')
  const socket = connect(Number(port), host)
  const login = Buffer.from('ada:horse').toString('base64')
  socket.write(
    `GET ${here}/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic ${login}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello`,
  )
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    if (text.endsWith('hello')) socket.end('bye')
  })
  await once(socket, 'end')
  expect(text).toMatch(/^HTTP\/1.1 101 [^]*\r\nUpgrade: echo\r\n[^]*\r\n\r\nhellobye$/)
})

test('each request has its line in the log, without its query', async () => {
  await told([`${here}/logged?secret=1`])
  await expect.poll(() => sluice.log.includes('"path":"/logged"')).toBe(true)
  expect(sluice.log).not.toContain('secret=1')
})
