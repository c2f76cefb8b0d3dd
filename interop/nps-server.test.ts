import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certify, createAuthority } from './authority.ts'
import { Chromium } from './chromium.ts'
import type { Daemon } from './daemon.ts'
import { datagram, exchange, noise, sha256, udpEcho, udpSocket, COMMAND } from './nps-peers.ts'
import { type NpsRecord, NpsServer, runClient, runVisitor } from './nps-server.ts'
import { BODY, deadPort, echoOrigin, httpOrigin, type Origin, pouringOrigin } from './origin.ts'
import { type Ended, run } from './process.ts'
import { off, ratesOnce } from './rates.ts'
import { temporaryFolder } from './sluice.ts'

const RATE = 1_024_000
const WINDOW_MS = 8000
const KIB = 1024
const folder = temporaryFolder()
const file = (name: string): string => join(folder, name)
const closing: (() => unknown)[] = []
let server: NpsServer
let client: NpsRecord
let remote: Daemon
let echo: Origin
let http: Origin
let pouring: Origin

const at = ({ port }: { port: number }): { targets: string[] } => ({ targets: [`127.0.0.1:${port}`] })
const curl = (...args: string[]): Promise<Ended> =>
  run('curl', ['-sS', '--max-time', '20', '--noproxy', '', ...args])
const opened = <T extends Disposable>(origin: T): T => {
  closing.push(() => origin[Symbol.dispose]())
  return origin
}
/** Until its program is there, and its tunnels are open. */
const online = async (id: number, wanted = true): Promise<void> => {
  const isOnline = async (): Promise<unknown> => (await server.ask('GET', `clients/${id}`)).online
  await expect.poll(isOnline, { interval: 50 }).toBe(wanted)
}
/** A client with a program of its own. */
const joined = async (fields: object = {}): Promise<NpsRecord> => {
  const record = await server.addClient(fields)
  const program = await runClient(record)
  closing.push(() => program.kill())
  await online(record.id)
  return record
}
const listening = async ({ port }: NpsRecord): Promise<void> => {
  const isTaken = (): boolean => server.log.includes(`"door":"tunnel","host":"127.0.0.1","port":${port},`)
  await expect.poll(isTaken, { interval: 50 }).toBe(true)
}

beforeAll(async () => {
  await createAuthority(folder)
  await certify(folder, 'localhost')
  server = await NpsServer.make('--https-cert', file('localhost.crt'), '--https-key', file('localhost.key'))
  ;[echo, http, pouring] = [
    opened(await echoOrigin()),
    opened(await httpOrigin()),
    opened(await pouringOrigin()),
  ]
  await server.start()
  client = await server.addClient()
  remote = await runClient(client)
})
afterAll(async () => {
  for (const close of closing) await close()
  await remote.kill()
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** A download that never ends; counts what comes. */
class Download {
  bytes = 0
  readonly closed: Promise<unknown>
  readonly #socket: Socket

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1', () => this.#socket.write('GET / HTTP/1.1\r\n\r\n'))
    this.#socket.on('data', ({ length }) => (this.bytes += length)).on('error', () => {})
    this.closed = new Promise((resolve) => this.#socket.on('close', resolve))
  }

  stop(): void {
    this.#socket.destroy()
  }
}

describe('visitors', () => {
  test('bytes over TCP are the same, and counted to the byte', async () => {
    const bytes = noise(20_000_000)
    const tunnel = await server.addTunnel(client.id, 'tcp', at(echo))
    await listening(tunnel)
    expect(sha256(await exchange(tunnel.port, bytes))).toBe(sha256(bytes))
    const flow = { inlet: bytes.length, export: bytes.length }
    await expect.poll(() => server.flowOf('tunnel', tunnel), COMMAND).toEqual(flow)
    await expect.poll(() => server.flowOf('client', client), COMMAND).toEqual(flow)
  })

  test('datagrams of 1 to 20,000 bytes', async () => {
    using target = await udpEcho()
    const tunnel = await server.addTunnel(client.id, 'udp', at(target))
    await listening(tunnel)
    const socket = await udpSocket()
    const sizes = [1, 1200, 1472, 4086, 20_000]
    for (const size of sizes) {
      const bytes = noise(size)
      expect(await datagram(socket, tunnel.port, bytes)).toEqual(bytes)
    }
    socket.close()
    const sum = sizes.reduce((before, size) => before + size)
    await expect.poll(() => server.flowOf('tunnel', tunnel), COMMAND).toEqual({ inlet: sum, export: sum })
  })

  test.each([
    ['socks5', 'socks5h'],
    ['httpProxy', 'http'],
    ['mixed', 'socks5h'],
    ['mixed', 'http'],
  ])('curl through %s as %s', async (mode, scheme) => {
    const login = { name: 'ada', password: 'a horse' }
    const tunnel = await server.addTunnel(client.id, mode, { logins: [login] })
    await listening(tunnel)
    const proxy = ['-x', `${scheme}://127.0.0.1:${tunnel.port}`]
    const url = `http://127.0.0.1:${http.port}/`
    const { stdout } = await curl(...proxy, '--proxy-user', 'ada:a horse', url)
    expect(stdout.equals(BODY)).toBe(true)
    const { stdout: nothing } = await curl(...proxy, '--proxy-user', 'ada:a donkey', url)
    expect(nothing.equals(BODY)).toBe(false)
  })

  test('files of a folder at the client, and no others', async () => {
    const shared = file('shared')
    mkdirSync(shared)
    writeFileSync(join(shared, 'body'), BODY)
    const record = await server.addClient()
    const program = await runClient(record, ['--files', shared])
    closing.push(() => program.kill())
    const tunnel = await server.addTunnel(record.id, 'file', { localPath: '/' })
    await listening(tunnel)
    const site = `http://127.0.0.1:${tunnel.port}`
    expect((await curl(`${site}/body`)).stdout.equals(BODY)).toBe(true)
    const part = await curl('-r', '1000-1999', `${site}/body`)
    expect(part.stdout.equals(BODY.subarray(1000, 2000))).toBe(true)
    const { stdout } = await curl('--path-as-is', '-w', '%{http_code}', `${site}/../ca.key`)
    expect(stdout.toString()).toMatch(/40[034]$/)
  })

  test('a private tunnel, at another machine', async () => {
    const tunnel = await server.addTunnel(client.id, 'secret', { ...at(echo), password: 'hush, hush' })
    const port = await deadPort()
    const visitor = await runVisitor(client, 'hush, hush', `127.0.0.1:${port}`)
    closing.push(() => visitor.kill())
    const bytes = noise(3_000_000)
    expect(sha256(await exchange(port, bytes))).toBe(sha256(bytes))
    const flow = { inlet: bytes.length, export: bytes.length }
    await expect.poll(() => server.flowOf('tunnel', tunnel), COMMAND).toEqual(flow)
  })
})

describe('hosts', () => {
  test('curl over HTTP and HTTPS, HTTP/1.1 and HTTP/2', async () => {
    const host = await server.addHost(client.id, 'localhost', at(http))
    const port = server.https.split(':')[1]!
    const [plain, secure] = [`http://${server.http}/`, `https://localhost:${port}/`]
    const named = ['-H', 'Host: localhost']
    await expect.poll(async () => (await curl(...named, plain)).stdout.equals(BODY)).toBe(true)
    for (const version of ['--http1.1', '--http2']) {
      const { stdout, stderr } = await curl(version, '--cacert', file('ca.crt'), secure)
      expect(stderr).toBe('')
      expect(stdout.equals(BODY)).toBe(true)
    }
    const put = await run('curl', ['-sS', '-T', '-', '--cacert', file('ca.crt'), secure], BODY)
    expect(put.stdout.equals(BODY)).toBe(true)
    await expect
      .poll(async () => (await server.flowOf('host', host)).export, COMMAND)
      .toBeGreaterThan(BODY.length)
  })

  test('an unknown name has a page that names nothing', async () => {
    const { stdout } = await curl('-i', '-H', 'Host: elsewhere.example', `http://${server.http}/`)
    expect(stdout.toString()).toMatch(/^HTTP\/1\.1 404 /)
    expect(stdout.toString()).not.toMatch(/sluice|nps|elsewhere/i)
  })

  test('Chromium loads a site by HTTPS, and talks over a WebSocket', async () => {
    const site = createServer((_, response) => response.end('<title>home</title><h1>From the laptop</h1>'))
    site.on('upgrade', ({ headers }, socket: Socket) => upgraded(headers['sec-websocket-key']!, socket))
    await once(site.listen(0, '127.0.0.1'), 'listening')
    closing.push(() => site.close())
    const { port } = site.address() as AddressInfo
    await server.addHost(client.id, 'localhost', { ...at({ port }), location: '/site' })
    const named = ['-H', 'Host: localhost', `http://${server.http}/site`]
    await expect.poll(async () => (await curl(...named)).stdout.toString()).toContain('laptop')
    const chromium = await Chromium.start('direct://', { username: '', password: '' }, file('chromium'))
    closing.push(() => chromium[Symbol.asyncDispose]())
    const place = `localhost:${server.https.split(':')[1]}/site`
    expect(await chromium.load(`https://${place}`)).toBe('')
    expect(await chromium.evaluate('document.querySelector("h1")?.textContent')).toBe('From the laptop')
    const talk = `new Promise((resolve, reject) => {
      const socket = new WebSocket('wss://${place}')
      socket.onopen = () => socket.send('ping')
      socket.onmessage = ({ data }) => resolve(data)
      socket.onerror = reject
    })`
    expect(await chromium.evaluate(talk)).toBe('ping')
  })
})

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Sends the first text back, without its mask. */
const upgraded = (key: string, socket: Socket): void => {
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64')
  const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}`)
  socket.once('data', (frame: Buffer) => {
    const text = frame.subarray(6).map((octet, index) => octet ^ frame[2 + (index % 4)]!)
    socket.end(Buffer.concat([Buffer.from([0x81, text.length]), text]))
  })
  socket.on('error', () => {})
}

describe('limits', () => {
  test('1,000 KiB/s of a client hold for all of its tunnels together', async () => {
    const limited = await joined({ limits: { down: RATE, burst: RATE } })
    const tunnels = [
      await server.addTunnel(limited.id, 'tcp', at(pouring)),
      await server.addTunnel(limited.id, 'tcp', at(pouring)),
    ]
    for (const tunnel of tunnels) await listening(tunnel)
    const downloads = tunnels.map(({ port }) => new Download(port))
    const sum = (): number => downloads.reduce((before, { bytes }) => before + bytes, 0)
    // What may pass at once has passed; where this machine has no time for a while, that much is made good.
    await expect.poll(sum, { interval: 20 }).toBeGreaterThan(4 * RATE)
    const [rate] = await ratesOnce([sum], WINDOW_MS, ([seen]) => off(seen!, RATE) < 0.01)
    for (const download of downloads) download.stop()
    expect(off(rate!, RATE)).toBeLessThan(0.01)
    for (const { bytes } of downloads) expect(bytes).toBeGreaterThan(sum() / 4)
  })

  test('a quota cuts within 64 KiB', async () => {
    const quotaBytes = 5_000_000
    const tunnel = await server.addTunnel(client.id, 'tcp', { ...at(pouring), limits: { quotaBytes } })
    await listening(tunnel)
    const download = new Download(tunnel.port)
    await download.closed
    const { bytes } = download
    await expect
      .poll(async () => (await server.flowOf('tunnel', tunnel)).export, COMMAND)
      .toBeGreaterThanOrEqual(Math.max(bytes, quotaBytes - 64 * KIB))
    const { inlet, export: down } = await server.flowOf('tunnel', tunnel)
    expect(inlet + down - quotaBytes).toBeLessThanOrEqual(64 * KIB)
  })
})

describe('what goes wrong', () => {
  test('scanners of the bridges are told nothing, and get in nobody’s way', async () => {
    const scan = async (bridge: string): Promise<string> => {
      const [{ stdout }] = await Promise.all([
        curl('--max-time', '3', `http://${bridge}/`),
        run('openssl', ['s_client', '-connect', bridge, '-quiet'], noise(4096)),
        run('nc', ['-w', '2', '-N', ...bridge.split(':')], noise(100_000)),
      ])
      return stdout.toString()
    }
    expect(await Promise.all([server.bridge, server.npcBridge].map(scan))).toEqual(['', ''])
    expect((await server.ask('GET', `clients/${client.id}`)).online).toBe(true)
    expect(server.log).not.toContain('"level":"error"')
  })

  test('a client that is killed: its visitors are cut, and the next one serves', async () => {
    const record = await server.addClient()
    const first = await runClient(record)
    const tunnel = await server.addTunnel(record.id, 'tcp', at(pouring))
    await listening(tunnel)
    const download = new Download(tunnel.port)
    await expect.poll(() => download.bytes, { interval: 20 }).toBeGreaterThan(1_000_000)
    await first.kill('SIGKILL')
    await download.closed
    await online(record.id, false)
    const second = await runClient(record)
    closing.push(() => second.kill())
    const again = new Download(tunnel.port)
    await expect.poll(() => again.bytes, { interval: 20 }).toBeGreaterThan(1_000_000)
    again.stop()
  })

  test('a server that is killed: clients come back by themselves, and what was counted stays', async () => {
    const tunnel = await server.addTunnel(client.id, 'tcp', at(pouring))
    await listening(tunnel)
    const download = new Download(tunnel.port)
    await expect
      .poll(async () => (await server.flowOf('tunnel', tunnel)).export, COMMAND)
      .toBeGreaterThan(10_000_000)
    const before = await server.flowOf('tunnel', tunnel)
    await server.kill('SIGKILL')
    await download.closed
    const kept = await server.flowOf('tunnel', tunnel)
    expect(kept.export).toBeGreaterThanOrEqual(before.export)
    await server.start()
    await online(client.id)
    const again = new Download(tunnel.port)
    await expect.poll(() => again.bytes, { interval: 20 }).toBeGreaterThan(1_000_000)
    again.stop()
  })

  test('no key, password or enrolment is in the log', () => {
    const secrets = [client.vkey, client.enroll, 'hush, hush', 'a horse']
    for (const secret of secrets) expect(server.log).not.toContain(secret)
    expect(readFileSync(join(server.data, 'tunnels.db')).includes(client.vkey)).toBe(false)
  })
})
