import { once } from 'node:events'
import { SocksClient } from 'socks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BODY, deadPort, echoOrigin, httpOrigin, type Origin } from './origin.ts'
import { type Ended, run } from './process.ts'
import { Sluice } from './sluice.ts'

const NAME = 'four'
const PASSWORD = 'secret%40:x y'
/** As it stands in the URL of a proxy, colon included: all of it is one user id. */
const USER_ID = encodeURIComponent(`${NAME}:${PASSWORD}`)
let sluice: Sluice
let web: Origin
let echo: Origin

beforeAll(async () => {
  web = await httpOrigin()
  echo = await echoOrigin()
  sluice = await Sluice.start()
  await sluice.add(NAME, PASSWORD)
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  web[Symbol.dispose]()
  echo[Symbol.dispose]()
})

const curl = (proxy: string, url: string): Promise<Ended> =>
  run('curl', ['-sS', '--max-time', '20', '--noproxy', '', '--proxy', proxy, url])

describe('curl', () => {
  test.each([
    ['socks4', '127.0.0.1'],
    ['socks4', 'localhost'],
    ['socks4a', '127.0.0.1'],
    ['socks4a', 'localhost'],
  ])('downloads by %s from %s', async (scheme, host) => {
    const { stdout, stderr } = await curl(
      `${scheme}://${USER_ID}@${sluice.http}`,
      `http://${host}:${web.port}/`,
    )
    expect(stderr).toBe('')
    expect(stdout.equals(BODY)).toBe(true)
  })

  test.each([
    ['a wrong password', () => `http://127.0.0.1:${web.port}/`, `${NAME}%3Awrong`, 93],
    ['a user id without a password', () => `http://127.0.0.1:${web.port}/`, NAME, 93],
    ['a target that is not allowed', () => 'http://10.0.0.1/', USER_ID, 91],
    ['a name that nobody has', () => 'http://nobody.invalid/', USER_ID, 91],
    ['a closed port', async () => `http://127.0.0.1:${await deadPort()}/`, USER_ID, 91],
  ])('is told about %s', async (_, url, userId, reply) => {
    const { status, stderr } = await curl(`socks4a://${userId}@${sluice.socks}`, await url())
    expect(status).toBe(97)
    expect(stderr).toContain(`(${reply})`)
  })
})

test('socat goes as SOCKS4A', async () => {
  const [host, port] = sluice.socks.split(':')
  await sluice.add('cat', 'mouse')
  const address = `SOCKS4A:${host}:localhost:${echo.port},socksport=${port},socksuser=cat:mouse`
  const { stdout } = await run('socat', ['-t', '5', '-', address], 'ping')
  expect(stdout.toString()).toBe('ping')
})

test('the socks package of npm echoes', async () => {
  const [host = '', port] = sluice.socks.split(':')
  const { socket } = await SocksClient.createConnection({
    proxy: { host, port: Number(port), type: 4, userId: `${NAME}:${PASSWORD}` },
    command: 'connect',
    destination: { host: 'localhost', port: echo.port },
  })
  socket.end('ping')
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  expect(bytes.toString()).toBe('ping')
  await once(socket, 'close')
})
