import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { TestClient } from '@sluice/service/testing'
import { type Address, COMMAND, encodeBasic, encodeSocks4Request, encodeSocksDatagram } from '@sluice/wire'
import type { Rule } from '@sluice/service'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytesOf } from './testing/dialects.ts'
import { askSocks5 } from './testing/socks5-client.ts'
import { configOf, echo, openOrigin, openTestProgram, type TestProgram } from './testing/test-program.ts'

const ADA = { name: 'ada', password: 'horse' }
const ANYBODY = { host: '0.0.0.0', port: 0 }

let running: TestProgram
let origin: Address & Disposable
const sockets: { close(): void }[] = []

beforeEach(async () => {
  running = await openTestProgram([ADA], '--allow', '127.0.0.0/8')
  origin = await openOrigin(echo)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close()
  await running[Symbol.asyncDispose]()
  origin[Symbol.dispose]()
})

const rule = (...rules: readonly Rule[]): Promise<void> =>
  running.program.reload({ ...configOf('--allow', '127.0.0.0/8', '--bind'), rules })
const codes = (door: 'http' | 'socks'): Record<string, number> =>
  Object.fromEntries(running.program.metrics.door(door).codes)
const logged = (message: string): Record<string, unknown>[] =>
  running.journal.lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === message)

const send = async (bytes: Uint8Array): Promise<TestClient> => {
  const client = await TestClient.connect(running.door.socks)
  sockets.push(client)
  client.send(bytes)
  return client
}
const login = `Proxy-Authorization: ${encodeBasic(bytesOf(ADA))}\r\n`

test('a rule for SOCKS4 or CONNECT denies that and nothing else', async () => {
  const asks: Record<string, () => Promise<Buffer>> = {
    socks4: async () => {
      const userId = Buffer.from('ada:horse')
      const client = await send(encodeSocks4Request({ command: COMMAND.CONNECT, address: origin, userId }))
      return client.take(2)
    },
    connect: async () => {
      const client = await send(
        Buffer.from(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\nHost: x:1\r\n${login}\r\n`),
      )
      return client.take(12)
    },
  }
  const [yes, no] = [
    { socks4: '005a', connect: 'HTTP/1.1 200' },
    { socks4: '005b', connect: 'HTTP/1.1 403' },
  ] as const
  for (const denied of ['socks4', 'connect'] as const) {
    await rule({ action: 'deny', name: `no ${denied}`, protocols: [denied] })
    for (const protocol of ['socks4', 'connect'] as const) {
      const answer = await asks[protocol]!()
      const told = protocol === 'socks4' ? answer.toString('hex') : answer.toString()
      expect(told).toBe((protocol === denied ? no : yes)[protocol])
    }
  }
  await expect.poll(() => codes('socks')).toMatchObject({ ACCESS_DENIED: 2 })
  expect(logged('session.end').map(({ protocol, code, rule: by }) => [protocol, code, by])).toEqual(
    expect.arrayContaining([
      ['socks4', 'ACCESS_DENIED', 'no socks4'],
      ['connect', 'ACCESS_DENIED', 'no connect'],
    ]),
  )
})

test('each request of a connection is judged by its own target', async () => {
  using other = await openOrigin(
    (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'),
  )
  await rule({ action: 'deny', name: 'closed', protocols: ['http'], ports: [[origin.port, origin.port]] })
  const client = await send(
    Buffer.from(
      [other, origin, other]
        .map(({ port }) => `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: x\r\n${login}\r\n`)
        .join(''),
    ),
  )
  await expect
    .poll(() => client.received.toString().match(/HTTP\/1.1 \d+/g))
    .toEqual(['HTTP/1.1 200', 'HTTP/1.1 403', 'HTTP/1.1 200'])
  await expect
    .poll(() => logged('request.end').map(({ code, rule: by }) => [code, by]))
    .toEqual([
      ['OK', undefined],
      ['ACCESS_DENIED', 'closed'],
      ['OK', undefined],
    ])
  expect(Object.fromEntries(running.program.metrics.door('socks').requests)).toEqual({
    OK: 2,
    ACCESS_DENIED: 1,
  })
})

const udp = async (
  onMessage: (socket: Socket, bytes: Buffer, from: RemoteInfo) => void,
): Promise<Address & { socket: Socket }> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  sockets.push(socket)
  socket.on('message', (bytes, from) => onMessage(socket, bytes, from))
  return { host: '127.0.0.1', port: socket.address().port, socket }
}

test('datagrams are judged by their destination', async () => {
  const back = (socket: Socket, bytes: Buffer, { port }: RemoteInfo): void =>
    socket.send(bytes, port, '127.0.0.1')
  const [open, closed] = [await udp(back), await udp(back)]
  await rule({ action: 'deny', name: 'closed', protocols: ['udp'], ports: [[closed.port, closed.port]] })
  const got: string[] = []
  const { socket } = await udp((_, bytes) => void got.push(bytes.toString('latin1')))
  const { client, reply, bound } = await askSocks5(running.door.socks, ADA, COMMAND.UDP_ASSOCIATE, ANYBODY)
  sockets.push(client)
  expect(reply).toBe(0)
  for (const { host, port } of [closed, open]) {
    const head = encodeSocksDatagram({ fragment: 0, address: { host, port } })
    socket.send(Buffer.concat([head, Buffer.from(`to ${port}`)]), bound.port, '127.0.0.1')
  }
  await expect.poll(() => got.map((text) => text.slice(10))).toEqual([`to ${open.port}`])
  expect(Object.fromEntries(running.program.metrics.door('socks').dropped)).toEqual({ policy: 1 })
  expect(logged('datagram.denied')).toMatchObject([
    {
      protocol: 'udp',
      user: 'ada',
      target: `127.0.0.1:${closed.port}`,
      code: 'ACCESS_DENIED',
      rule: 'closed',
    },
  ])
  await rule({ action: 'deny', protocols: ['socks5', 'connect', 'bind'] })
  expect((await askSocks5(running.door.socks, ADA, COMMAND.UDP_ASSOCIATE, ANYBODY)).reply).toBe(0)
})

test('BIND is judged by who is to come, and by who comes', async () => {
  await rule({ action: 'deny', name: 'no callers', protocols: ['bind'] })
  const named = await askSocks5(running.door.socks, ADA, COMMAND.BIND, { host: '127.0.0.1', port: 0 })
  expect(named.reply).toBe(2)
  const anybody = await askSocks5(running.door.socks, ADA, COMMAND.BIND, ANYBODY)
  expect(anybody.reply).toBe(0)
  const caller = await TestClient.connect(anybody.bound)
  sockets.push(caller, anybody.client)
  const second = (await anybody.client.take(24)).subarray(14)
  expect(second[1]).toBe(2)
  await expect.poll(() => codes('socks')).toEqual({ ACCESS_DENIED: 2 })
  expect(logged('session.end')).toMatchObject([
    { protocol: 'bind', rule: 'no callers' },
    { protocol: 'bind', rule: 'no callers' },
  ])
})
