import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, type Socket as TcpSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { SocksClient, type SocksRemoteHost } from 'socks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDante } from './dante.ts'
import { run } from './process.ts'
import { PYTHON } from './programs.ts'
import { Sluice, temporaryFolder, usage } from './sluice.ts'

const NAME = 'dora'
const PASSWORD = 'horse'
const folder = temporaryFolder()
const disposals: (() => unknown)[] = []
let sluice: Sluice
/** Answers each datagram with where it came from and what it was. */
let echoPort: number
/** `127.0.0.1:PORT`; wants no password. */
let dante: string

const udp = async (): Promise<Socket> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  disposals.push(() => socket.close())
  return socket
}

beforeAll(async () => {
  const echo = await udp()
  echo.on('message', (bytes: Buffer, { address, port }: RemoteInfo) => echo.send(bytes, port, address))
  echoPort = echo.address().port
  sluice = await Sluice.start()
  await sluice.add(NAME, PASSWORD)
  const server = await startDante(folder, 'udpassociate udpreply')
  disposals.push(() => server[Symbol.asyncDispose]())
  dante = server.address
})
afterAll(async () => {
  await sluice[Symbol.asyncDispose]()
  for (const dispose of disposals) await dispose()
  rmSync(folder, { recursive: true })
})

/** argv: proxy host, port, target host, port. */
const PYSOCKS = `
import socks, socket, sys
host, port, target, target_port = sys.argv[1:]
s = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
s.set_proxy(socks.SOCKS5, host, int(port), True, '${NAME}', '${PASSWORD}')
s.settimeout(20)
for text in (b'ping', b'x' * 1200, b'last'):
    s.sendto(text, (target, int(target_port)))
    answer, sender = s.recvfrom(65536)
    print(len(answer), answer == text, *sender)
`

test.each(['127.0.0.1', 'localhost'])('PySocks sends datagrams to %s, and is answered', async (target) => {
  const args = [...sluice.socks.split(':'), target, String(echoPort)]
  const { stdout, stderr } = await run(PYTHON, ['-c', PYSOCKS, ...args])
  expect(stderr).toBe('')
  const from = `127.0.0.1 ${echoPort}`
  expect(stdout.toString()).toBe(`4 True ${from}\n1200 True ${from}\n4 True ${from}\n`)
})

test('the socks package of npm associates, and the payload is booked', async () => {
  await sluice.add('nora', PASSWORD)
  const [host = '', port] = sluice.socks.split(':')
  const client = new SocksClient({
    proxy: { host, port: Number(port), type: 5, userId: 'nora', password: PASSWORD },
    command: 'associate',
    destination: { host: '0.0.0.0', port: 0 },
  })
  const established = once(client, 'established')
  client.connect()
  const [{ socket, remoteHost }] = (await established) as [{ socket: TcpSocket; remoteHost: SocksRemoteHost }]
  const own = await udp()
  const remote = { host: '127.0.0.1', port: echoPort }
  own.send(
    SocksClient.createUDPFrame({ frameNumber: 0, remoteHost: remote, data: Buffer.from('ping') }),
    remoteHost.port,
    remoteHost.host,
  )
  const [bytes] = (await once(own, 'message')) as [Buffer]
  expect(SocksClient.parseUDPFrame(bytes)).toMatchObject({ frameNumber: 0, remoteHost: remote })
  expect(SocksClient.parseUDPFrame(bytes).data.toString()).toBe('ping')
  socket.destroy()
  await expect.poll(async () => (await usage(sluice.data, 'nora')).total).toBe(8)
})

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const SIGN_IN = [hex('05 01 02'), Buffer.from(`\x01\x04${NAME}\x05${PASSWORD}`)]
const NOBODY = [hex('05 01 00')]

/** For how long an answer is waited for that has to come, and one that has not to. */
const [PATIENCE_MS, LOOK_MS] = [20_000, 500]

/** Sends one datagram with this header through a server. @returns the answer's header, payload and all, or silence */
const ask = async (
  address: string,
  signIn: readonly Buffer[],
  header: Buffer,
  waitMs: number,
): Promise<string> => {
  const [host = '', port] = address.split(':')
  const control = connect(Number(port), host)
  const own = await udp()
  const from = own.address().port
  const associate = Buffer.concat([hex('05 03 00 01 7f000001'), Buffer.from([from >> 8, from & 255])])
  try {
    let reply: Buffer = Buffer.alloc(0)
    for (const message of [...signIn, associate]) {
      control.write(message)
      ;[reply] = (await once(control, 'data')) as [Buffer]
    }
    own.send(Buffer.concat([header, Buffer.from('ping')]), reply.readUInt16BE(8), '127.0.0.1')
    const answer = once(own, 'message').then(([bytes]) => (bytes as Buffer).toString('hex'))
    return await Promise.race([answer, sleep(waitMs, 'silence', { ref: false })])
  } finally {
    control.destroy()
  }
}

describe('the same bytes to danted', () => {
  const port = (): Buffer => Buffer.from([echoPort >> 8, echoPort & 255])

  test.each([
    ['IPv4', () => [hex('000000 01 7f000001'), port()], true],
    ['a name', () => [hex('000000 03 09 6c6f63616c686f7374'), port()], true],
    ['a fragment', () => [hex('000001 01 7f000001'), port()], false],
    ['an unknown address type', () => [hex('000000 02 7f000001'), port()], false],
    ['a header that is cut short', () => [hex('000000 04 7f000001')], false],
  ])('%s', async (_, header, isAnswered) => {
    const bytes = Buffer.concat(header())
    const waitMs = isAnswered ? PATIENCE_MS : LOOK_MS
    const ours = await ask(sluice.socks, SIGN_IN, bytes, waitMs)
    const echoed = Buffer.concat([hex('000000 01 7f000001'), port(), Buffer.from('ping')]).toString('hex')
    expect(ours).toBe(isAnswered ? echoed : 'silence')
    expect(await ask(dante, NOBODY, bytes, waitMs)).toBe(ours)
  })
})
