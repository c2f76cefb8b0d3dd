import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NpcEmulator } from '../apps/nps-server/src/testing/npc-emulator.ts'
import { datagram, exchange, noise, sha256, udpEcho, udpSocket, COMMAND } from './nps-peers.ts'
import { type NpsRecord, NpsServer } from './nps-server.ts'
import { BODY, deadPort, echoOrigin, httpOrigin, type Origin } from './origin.ts'
import { run, start, stop } from './process.ts'
import { PYTHON } from './programs.ts'
import { temporaryFolder } from './sluice.ts'

// The built server with a program that acts as npc, and with npc itself where this machine has one: NPC says where it
// is, or it is in PATH. No package registry has it, so continuous integration knows the first of the two only.

/** npc 0.26.10, or another of its kind. */
const NPC = process.env['NPC'] ?? 'npc'
const hasNpc = spawnSync(NPC, ['-version']).stdout?.includes('0.26.') ?? false

const folder = temporaryFolder()
const closing: (() => unknown)[] = []
const bytes = noise(20_000_000)
/** What npc reads of a datagram with its SOCKS head is no more than 1,671. */
const SOCKS_SIZES = [1, 1200, 1660]
let server: NpsServer
let echo: Origin
let http: Origin
let udp: Awaited<ReturnType<typeof udpEcho>>

interface Running {
  stop(): Promise<void>
}
interface Kind {
  readonly name: string
  readonly isReal: boolean
  run(record: NpsRecord): Promise<Running>
}

const real = (...args: string[]): Running => {
  const child = start(NPC, ['-type=tcp', ...args], {}, folder)
  child.stdout.resume()
  child.stderr.resume()
  closing.push(() => stop(child))
  return { stop: () => stop(child) }
}
const port = (address: string): number => Number(address.split(':')[1])
const KINDS: readonly Kind[] = [
  {
    name: 'what acts as npc',
    isReal: false,
    run: async ({ vkey }) => {
      const emulator = await NpcEmulator.connect({ port: port(server.npcBridge), vkey })
      closing.push(() => emulator.stop())
      return { stop: () => Promise.resolve(emulator.stop()) }
    },
  },
  {
    name: 'npc itself',
    isReal: true,
    run: ({ vkey }) => Promise.resolve(real(`-server=${server.npcBridge}`, `-vkey=${vkey}`)),
  },
]
const STREAMS = [
  { crypt: false, compress: false },
  { crypt: true, compress: false },
  { crypt: false, compress: true },
  { crypt: true, compress: true },
]

const at = (origin: { port: number }): { targets: string[] } => ({ targets: [`127.0.0.1:${origin.port}`] })
const online = async (id: number, wanted = true): Promise<void> => {
  const isOnline = async (): Promise<unknown> => (await server.ask('GET', `clients/${id}`)).online
  await expect.poll(isOnline, { interval: 50 }).toBe(wanted)
}
const listening = async (taken: number): Promise<void> => {
  await expect.poll(() => server.log.includes(`"port":${taken},`), { interval: 50 }).toBe(true)
}
const curl = async (...args: string[]): Promise<Buffer> =>
  (await run('curl', ['-sS', '--max-time', '20', '--noproxy', '', ...args])).stdout

beforeAll(async () => {
  const meeting = `127.0.0.1:${await deadPort()}`
  server = await NpsServer.make('--open', '--p2p', meeting)
  ;[echo, http, udp] = [await echoOrigin(), await httpOrigin(), await udpEcho()]
  closing.push(...[echo, http, udp].map((origin) => () => origin[Symbol.dispose]()))
  await server.start()
})
afterAll(async () => {
  for (const close of closing) await close()
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** argv: port of the proxy, of the target, sizes. */
const PYSOCKS = `
import socks, socket, sys
s = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
s.set_proxy(socks.SOCKS5, '127.0.0.1', int(sys.argv[1]), True)
s.settimeout(10)
for size in sys.argv[3:]:
    text = b'x' * int(size)
    s.sendto(text, ('127.0.0.1', int(sys.argv[2])))
    print(s.recvfrom(65536)[0] == text, end=' ')
`

describe.each(KINDS.filter(({ isReal }) => !isReal || hasNpc))('$name', (kind) => {
  test.each(STREAMS)('each mode, with crypt $crypt and compress $compress', async (streams) => {
    const record = await server.addClient(streams)
    const tcp = await server.addTunnel(record.id, 'tcp', at(echo))
    const datagrams = await server.addTunnel(record.id, 'udp', at(udp))
    const proxy = await server.addTunnel(record.id, 'mixed')
    const name = `h${record.id}.example.org`
    await server.addHost(record.id, name, at(http))
    const running = await kind.run(record)
    await online(record.id)
    await listening(proxy.port)

    expect(sha256(await exchange(tcp.port, bytes))).toBe(sha256(bytes))
    const socket = await udpSocket()
    const sizes = [1, 1200, 1472, 4086, 20_000]
    for (const size of sizes) {
      const sent = noise(size)
      expect(await datagram(socket, datagrams.port, sent)).toEqual(sent)
    }
    socket.close()
    for (const scheme of ['socks5h', 'http']) {
      const got = await curl('-x', `${scheme}://127.0.0.1:${proxy.port}`, `http://127.0.0.1:${http.port}/`)
      expect(got.equals(BODY)).toBe(true)
    }
    const args = [proxy.port, udp.port, ...SOCKS_SIZES].map(String)
    const { stdout } = await run(PYTHON, ['-c', PYSOCKS, ...args])
    expect(stdout.toString()).toBe('True '.repeat(SOCKS_SIZES.length))
    expect((await curl('-H', `Host: ${name}`, `http://${server.http}/`)).equals(BODY)).toBe(true)

    const all = { inlet: bytes.length, export: bytes.length }
    await expect.poll(() => server.flowOf('tunnel', tcp), COMMAND).toEqual(all)
    const sum = sizes.reduce((before, size) => before + size)
    await expect.poll(() => server.flowOf('tunnel', datagrams), COMMAND).toEqual({ inlet: sum, export: sum })
    await running.stop()
    await online(record.id, false)
  })
})

describe.each(hasNpc ? ['npc itself'] : [])('%s, besides', () => {
  test('a private tunnel, visited', async () => {
    const record = await server.addClient({ crypt: true })
    const tunnel = await server.addTunnel(record.id, 'secret', { ...at(echo), password: 'hush, hush' })
    const running = await KINDS[1]!.run(record)
    await online(record.id)
    const local = await deadPort()
    const visitor = real(
      ...[`-server=${server.npcBridge}`, `-vkey=${record.vkey}`, '-password=hush, hush'],
      ...['-local_type=secret', `-local_port=${local}`],
    )
    const visit = (): Promise<string> => exchange(local, bytes).then(sha256, String)
    await expect.poll(visit, { interval: 200 }).toBe(sha256(bytes))
    await expect
      .poll(() => server.flowOf('tunnel', tunnel), COMMAND)
      .toEqual({ inlet: bytes.length, export: bytes.length })
    await visitor.stop()
    await running.stop()
  })

  test('a file of its own: tunnels, files, a host and a peer, and again after the server was killed', async () => {
    const record = await server.addClient({ mayConfigure: true })
    mkdirSync(join(folder, 'files'))
    writeFileSync(join(folder, 'files', 'body'), BODY)
    const ports = { tcp: await deadPort(), udp: await deadPort(), file: await deadPort() }
    writeFileSync(join(folder, 'npc.conf'), confOf(record, ports))
    const running = real(`-config=${join(folder, 'npc.conf')}`)
    await online(record.id)
    await listening(ports.file)

    const echoes = (): Promise<string> => exchange(ports.tcp, bytes).then(sha256, String)
    expect(await echoes()).toBe(sha256(bytes))
    const socket = await udpSocket()
    const sent = noise(3000)
    expect(await datagram(socket, ports.udp, sent)).toEqual(sent)
    socket.close()
    expect((await curl(`http://127.0.0.1:${ports.file}/web/body`)).equals(BODY)).toBe(true)
    expect((await curl('-H', 'Host: own.example.org', `http://${server.http}/`)).equals(BODY)).toBe(true)
    const local = await deadPort()
    const peer = real(
      ...[`-server=${server.npcBridge}`, `-vkey=${record.vkey}`, '-password=meet me'],
      ...[`-target=127.0.0.1:${echo.port}`, `-local_port=${local}`],
    )
    const small = bytes.subarray(0, 100_000)
    const meet = (): Promise<string> => exchange(local, small).then(sha256, String)
    await expect.poll(meet, { interval: 500 }).toBe(sha256(small))
    await peer.stop()

    await server.kill('SIGKILL')
    await server.start()
    await online(record.id)
    await expect.poll(echoes, { interval: 200 }).toBe(sha256(bytes))
    await running.stop()
  })

  test('a key that is nobody’s stays out', async () => {
    const child = start(
      NPC,
      ['-type=tcp', `-server=${server.npcBridge}`, '-vkey=nobody-has-this'],
      {},
      folder,
    )
    let said = ''
    child.stdout.on('data', (chunk) => (said += String(chunk)))
    child.stderr.on('data', (chunk) => (said += String(chunk)))
    await expect.poll(() => said).toContain('incorrect')
    await stop(child)
    await expect.poll(() => server.log).toContain('"code":"AUTH_FAILED"')
  })
})

const confOf = ({ vkey }: NpsRecord, ports: { tcp: number; udp: number; file: number }): string => `[common]
server_addr=${server.npcBridge}
conn_type=tcp
vkey=${vkey}
auto_reconnection=true
crypt=true
compress=true

[own_host]
host=own.example.org
target_addr=127.0.0.1:${http.port}

[own_tcp]
mode=tcp
target_addr=127.0.0.1:${echo.port}
server_port=${ports.tcp}

[own_udp]
mode=udp
target_addr=127.0.0.1:${udp.port}
server_port=${ports.udp}

[own_peer]
mode=p2p
password=meet me
target_addr=127.0.0.1:${echo.port}

[own_file]
mode=file
server_port=${ports.file}
local_path=${join(folder, 'files')}
strip_pre=/web/
`
