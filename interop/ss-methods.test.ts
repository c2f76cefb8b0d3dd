import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BODY, deadPort, echoOrigin, httpOrigin, type Origin } from './origin.ts'
import { run } from './process.ts'
import { SsClients, type SsTarget, type Tunnel } from './ss-clients.ts'
import { SsNode, type SsRow, ssUsage } from './ss-node.ts'

const SEALED = [
  'aes-128-gcm',
  'aes-192-gcm',
  'aes-256-gcm',
  'chacha20-ietf-poly1305',
  'xchacha20-ietf-poly1305',
]
const OLD = ['aes-128-cfb', 'aes-192-cfb', 'aes-256-cfb']
const NEW: readonly (readonly [string, number])[] = [
  ['2022-blake3-aes-128-gcm', 16],
  ['2022-blake3-aes-256-gcm', 32],
  ['2022-blake3-chacha20-poly1305', 32],
]
/** Keys of 2022: each byte is this. */
const keyOf = (bytes: number, byte: number): string => Buffer.alloc(bytes, byte).toString('base64')

const node2022: SsNode[] = []
const rows: SsRow[] = []
let node: SsNode
let clients: SsClients
let web: Origin
let echo: Origin
let datagrams: UdpSocket

const added = async (method: string, password: string): Promise<SsRow> => {
  const row = { user_id: rows.length + 1, port: await deadPort(), method, password }
  rows.push(row)
  return row
}
const targetOf = ({ port, method, password }: SsRow): SsTarget => ({ port: port!, method, password })
const rowOf = (method: string): SsRow => rows.find((row) => row.method === method)!
/** One port for datagrams and conns: TCP and UDP number theirs apart. */
const tunnelOf = (target: SsTarget): Tunnel => ({ ...target, to: echo.port })

beforeAll(async () => {
  clients = new SsClients()
  web = await httpOrigin()
  echo = await echoOrigin()
  datagrams = createSocket('udp4').bind(echo.port, '127.0.0.1')
  await once(datagrams, 'listening')
  datagrams.on('message', (bytes: Buffer, { address, port }: RemoteInfo) =>
    datagrams.send(bytes, port, address),
  )
  for (const method of [...SEALED, ...OLD, 'none']) await added(method, `password of ${method}`)
  for (const [method, bytes] of NEW) await added(method, keyOf(bytes, 7))
  node = await SsNode.start({ rows }, '--insecure-methods')
})
afterAll(async () => {
  await clients[Symbol.asyncDispose]()
  for (const each of [node, ...node2022]) await each[Symbol.asyncDispose]()
  web[Symbol.dispose]()
  echo[Symbol.dispose]()
  datagrams.close()
})

const curl = async (socks: number, ...flags: string[]): Promise<Buffer> => {
  const way = ['-sS', '--max-time', '20', '--socks5-hostname', `127.0.0.1:${socks}`]
  const { stdout, stderr } = await run('curl', [...way, ...flags, `http://127.0.0.1:${web.port}/`], BODY)
  expect(stderr).toBe('')
  return stdout
}

/** Sends the body, then ends; the echo comes to its end after that. */
const halfClosed = (port: number): Promise<Buffer> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const echoed = buffer(socket)
  socket.end(BODY)
  return echoed
}

/** Sends the body, and ends when all of it has come back. */
const echoed = async (port: number): Promise<Buffer> => {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(BODY)
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
    if (bytes >= BODY.length) socket.end()
  })
  return buffer(socket)
}

const DATAGRAMS = [Buffer.from('ping'), Buffer.alloc(1200, 1), Buffer.from([0])]

const throughUdp = async (port: number): Promise<Buffer[]> => {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const answers: Buffer[] = []
  for (const each of DATAGRAMS) {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(20_000) })
    socket.send(each)
    answers.push(((await answer) as [Buffer])[0])
  }
  socket.close()
  return answers
}

describe.each([...SEALED, ...OLD])('%s', (method) => {
  test('ss-local downloads and uploads', async () => {
    const socks = await clients.local(targetOf(rowOf(method)))
    expect((await curl(socks)).equals(BODY)).toBe(true)
    expect((await curl(socks, '-H', 'Expect:', '-T', '-')).equals(BODY)).toBe(true)
  })

  test('ss-tunnel carries bytes and datagrams', async () => {
    const port = await clients.tunnel(tunnelOf(targetOf(rowOf(method))))
    expect((await echoed(port)).equals(BODY)).toBe(true)
    expect(await throughUdp(port)).toEqual(DATAGRAMS)
  })
})

/** Each by one program with a port for each. */
describe('v2ray and sing-box', () => {
  const ports = new Map<string, number>()
  const names = [
    ...['none', 'aes-256-gcm'].map((method) => `v2ray ${method}`),
    ...NEW.map(([method]) => `sing-box ${method}`),
    ...NEW.slice(0, 2).flatMap(([method]) => [`sing-box ${method} ada`, `sing-box ${method} bob`]),
  ]
  const shared: Tunnel[] = []

  beforeAll(async () => {
    const v2ray = ['none', 'aes-256-gcm'].map((method) => tunnelOf(targetOf(rowOf(method))))
    const alone = NEW.map(([method]) => tunnelOf(targetOf(rowOf(method))))
    for (const [method, bytes] of NEW.slice(0, 2)) {
      const [server, ada, bob] = [keyOf(bytes, 1), keyOf(bytes, 2), keyOf(bytes, 3)]
      const port = await deadPort()
      const both = [ada, bob].map((password, index) => ({ user_id: index + 1, method, password }))
      const flags = ['--port', String(port), '--identity-key', `${port}:${method}:${server}`]
      node2022.push(await SsNode.start({ rows: both }, ...flags))
      for (const key of [ada, bob]) shared.push(tunnelOf({ port, method, password: `${server}:${key}` }))
    }
    const opened = [...(await clients.v2ray(v2ray)), ...(await clients.singBox([...alone, ...shared]))]
    for (const [index, name] of names.entries()) ports.set(name, opened[index]!)
  })

  test.each(names)('%s carries 3 MB there and back', async (name) => {
    expect((await echoed(ports.get(name)!)).equals(BODY)).toBe(true)
  })

  /** sing-box ends both ways at the first end, with its own server too. */
  test.each(names.slice(0, 2))('%s carries a half-close', async (name) => {
    expect((await halfClosed(ports.get(name)!)).equals(BODY)).toBe(true)
  })

  test.each(names)('%s carries datagrams', async (name) => {
    expect(await throughUdp(ports.get(name)!)).toEqual(DATAGRAMS)
  })

  test('who shares a port by identity headers pays for their own', async () => {
    const payload = BODY.length + DATAGRAMS.reduce((sum, { length }) => sum + length, 0)
    for (const { data } of node2022) {
      for (const name of ['file-1', 'file-2']) {
        await expect
          .poll(async () => ssUsage(data, name), { interval: 200 })
          .toMatchObject({ up: payload, down: payload })
      }
    }
  })
})
