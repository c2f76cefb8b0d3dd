import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TestClient } from '@sluice/service/testing'
import { type Address, COMMAND, encodeBasic, encodeSocksDatagram } from '@sluice/wire'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytesOf } from './testing/dialects.ts'
import { askSocks5 } from './testing/socks5-client.ts'
import { echo, openOrigin, openTestProgram, type TestProgram } from './testing/test-program.ts'

const ADA = { name: 'ada', password: 'horse' }
const LOGIN = `Proxy-Authorization: ${encodeBasic(bytesOf(ADA))}\r\n`
const TEXT = 'hello'
const RESPONSE =
  'HTTP/1.1 404 Not Found\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\nhi'

let folder: string
let running: TestProgram
let echoing: Address & Disposable
let web: Address & Disposable

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'access-log-'))
  echoing = await openOrigin(echo)
  web = await openOrigin((socket) => void socket.once('data', () => socket.write(RESPONSE)))
})
afterEach(() => {
  for (const each of [echoing, web]) each[Symbol.dispose]()
  rmSync(folder, { recursive: true })
})

/** One of each kind of session, one after the other. */
const useAll = async (): Promise<void> => {
  const { socks, http } = running.door
  const tunnel = await askSocks5(socks, ADA, COMMAND.CONNECT, echoing)
  await finish(tunnel.client, TEXT)
  await finish(
    await asked(http, `CONNECT 127.0.0.1:${echoing.port} HTTP/1.1\r\nHost: x:1\r\n${LOGIN}\r\n`),
    TEXT,
  )
  const client = await asked(http, get(`127.0.0.1:${web.port}/a?secret`))
  await client.take(RESPONSE.length)
  client.send(Buffer.from(get('10.0.0.1/')))
  await expect.poll(() => client.received.toString()).toContain('TARGET_DENIED: ')
  client.finish()
  await client.rest()
  await (await asked(http, `GET http://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).rest()
  await bind(socks)
  await datagram(socks)
}
const get = (url: string): string => `GET http://${url} HTTP/1.1\r\nHost: x\r\n${LOGIN}\r\n`

const asked = async (door: Address, text: string): Promise<TestClient> => {
  const client = await TestClient.connect(door)
  client.send(Buffer.from(text))
  return client
}
const finish = async (client: TestClient, text: string): Promise<void> => {
  client.send(Buffer.from(text))
  client.finish()
  expect((await client.rest()).toString('latin1')).toMatch(new RegExp(`${text}$`))
}
const bind = async (door: Address): Promise<void> => {
  const { client, bound } = await askSocks5(door, ADA, COMMAND.BIND, { host: '127.0.0.1', port: 0 })
  const caller = await TestClient.connect(bound)
  await client.take(24)
  caller.finish()
  await Promise.all([client.rest(), caller.rest()])
}
const datagram = async (door: Address): Promise<void> => {
  const far = createSocket('udp4').bind(0, '127.0.0.1')
  await once(far, 'listening')
  const { client, bound } = await askSocks5(door, ADA, COMMAND.UDP_ASSOCIATE, { host: '0.0.0.0', port: 0 })
  const head = encodeSocksDatagram({ fragment: 0, address: { host: '127.0.0.1', port: far.address().port } })
  const arrived = once(far, 'message')
  far.send(Buffer.concat([head, Buffer.from(TEXT)]), bound.port, '127.0.0.1')
  await arrived
  client.finish()
  await client.rest()
  far.close()
}

const lines = async (format: 'json' | 'squid'): Promise<string[]> => {
  const file = join(folder, 'access.log')
  running = await openTestProgram(
    [ADA],
    '--allow',
    '127.0.0.0/8',
    '--bind',
    '--access-log',
    file,
    '--access-log-format',
    format,
  )
  try {
    await useAll()
  } finally {
    await running[Symbol.asyncDispose]()
  }
  return readFileSync(file, 'utf8').trimEnd().split('\n')
}

test('everything that clients ask for has its line in JSON, and none on stdout', async () => {
  const entries = (await lines('json')).map((line) => JSON.parse(line) as Record<string, unknown>)
  const told = (line: Record<string, unknown>): unknown[] =>
    ['door', 'user', 'method', 'url', 'status', 'code', 'up', 'peer', 'type'].map((key) => line[key])
  const target = `127.0.0.1:${echoing.port}`
  const [here, request] = ['127.0.0.1', get(`127.0.0.1:${web.port}/a?secret`)]
  expect(entries.map(told)).toEqual([
    ['socks', 'ada', 'CONNECT', target, 200, 'OK', 5, here, undefined],
    ['http', 'ada', 'CONNECT', target, 200, 'OK', 5, here, undefined],
    [
      ...['http', 'ada', 'GET', `http://127.0.0.1:${web.port}/a?`, 404, 'OK', request.length, here],
      'text/html; charset=utf-8',
    ],
    ['http', 'ada', 'GET', 'http://10.0.0.1/', 403, 'TARGET_DENIED', 0, undefined, undefined],
    ['http', undefined, undefined, undefined, 407, 'AUTH_REQUIRED', 0, undefined, undefined],
    ['socks', 'ada', 'BIND', '127.0.0.1:0', 200, 'OK', 0, undefined, undefined],
    ['socks', 'ada', 'UDP', '-', 200, 'OK', 5, undefined, undefined],
  ])
  expect(entries.map(({ down }) => down)).toEqual([5, 5, expect.any(Number), 0, 0, 0, 0])
  expect(entries[2]!['down']).toBeGreaterThan(RESPONSE.length)
  expect(running.journal.lines.join('')).not.toMatch(/session\.end|request\.end/)
})

test('and in the format of Squid', async () => {
  const target = `127.0.0.1:${echoing.port}`
  const found = (await lines('squid')).map((line) => line.split(/ +/).slice(2))
  const size = found[2]![2]
  expect(found.map((fields) => fields.join(' '))).toEqual([
    `127.0.0.1 TCP_TUNNEL/200 5 CONNECT ${target} ada HIER_DIRECT/127.0.0.1 -`,
    `127.0.0.1 TCP_TUNNEL/200 5 CONNECT ${target} ada HIER_DIRECT/127.0.0.1 -`,
    `127.0.0.1 TCP_MISS/404 ${size} GET http://127.0.0.1:${web.port}/a? ada HIER_DIRECT/127.0.0.1 text/html`,
    '127.0.0.1 TCP_DENIED/403 0 GET http://10.0.0.1/ ada HIER_NONE/- -',
    '127.0.0.1 TCP_DENIED/407 0 - error:auth-required - HIER_NONE/- -',
    '127.0.0.1 TCP_MISS/200 0 BIND 127.0.0.1:0 ada HIER_NONE/- -',
    '127.0.0.1 TCP_MISS/200 0 UDP - ada HIER_NONE/- -',
  ])
})
