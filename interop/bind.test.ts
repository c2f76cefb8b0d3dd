import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { SocksClient, type SocksRemoteHost } from 'socks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Dante, startDante } from './dante.ts'
import { Sluice, temporaryFolder } from './sluice.ts'

const folder = temporaryFolder()
let sluice: Sluice
let dante: Dante

beforeAll(async () => {
  sluice = await Sluice.start(undefined, '--bind')
  await sluice.add('ada', 'horse')
  dante = await startDante(folder, 'bind bindreply')
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  await dante[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const SIGN_IN = { 4: { userId: 'ada:horse' }, 5: { userId: 'ada', password: 'horse' } } as const

test.each([4, 5] as const)('the socks package of npm waits for a connection by SOCKS%i', async (type) => {
  const [host = '', port] = sluice.socks.split(':')
  const client = new SocksClient({
    proxy: { host, port: Number(port), type, ...SIGN_IN[type] },
    command: 'bind',
    destination: { host: '127.0.0.1', port: 0 },
  })
  const bound = once(client, 'bound')
  const established = once(client, 'established')
  client.connect()
  const [{ remoteHost: at }] = (await bound) as [{ remoteHost: SocksRemoteHost }]
  const peer = connect(at)
  const [{ socket, remoteHost }] = (await established) as [{ socket: Socket; remoteHost: SocksRemoteHost }]
  expect(remoteHost).toEqual({ host: '127.0.0.1', port: peer.localPort })
  peer.end('ping')
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  expect(bytes.toString()).toBe('ping')
  socket.end('pong')
  const [answer] = (await once(peer, 'data')) as [Buffer]
  expect(answer.toString()).toBe('pong')
})

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const SIGNED_IN = [hex('05 01 02'), hex('01 03 616461 05 686f727365')]
const NOBODY = [hex('05 01 00')]

/** Reads from a socket what is there, or comes next. */
const next = async (socket: Socket): Promise<Buffer> => ((await once(socket, 'data')) as [Buffer])[0]

/** Asks for a connection, makes it, and sends something over it each way. @returns replies and payload */
const bind = async (address: string, signIn: readonly Buffer[], request: Buffer): Promise<string[]> => {
  const [host = '', port] = address.split(':')
  const client = connect(Number(port), host)
  for (const message of signIn) {
    client.write(message)
    await next(client)
  }
  client.write(request)
  const first = await next(client)
  const coming = next(client)
  const peer = connect(first.readUInt16BE(8), '127.0.0.1')
  const second = await coming
  expect(second.readUInt16BE(8)).toBe(peer.localPort)
  peer.write('ping')
  const heard = await next(client)
  client.end('pong')
  const answered = await next(peer)
  peer.destroy()
  return [
    ...[first, second].map((reply) => reply.subarray(0, 8).toString('hex')),
    Buffer.concat([heard, answered]).toString(),
  ]
}

test.each([
  ['loopback', hex('05 02 00 01 7f000001 0050')],
  ['anybody', hex('05 02 00 01 00000000 0000')],
])('danted answers a BIND for %s as we do', async (_, request) => {
  const ours = await bind(sluice.socks, SIGNED_IN, request)
  expect(ours).toEqual(['050000017f000001', '050000017f000001', 'pingpong'])
  expect(await bind(dante.address, NOBODY, request)).toEqual(ours)
})
