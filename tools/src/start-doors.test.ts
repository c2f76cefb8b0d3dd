import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, request } from 'node:http'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { openDoor as openHttpsProxy } from '@sluice/https-proxy'
import { openDoor as openNpsServer, type OpenDoor as OpenNpsServer } from '@sluice/nps-server'
import { TunnelClient } from '@sluice/nps-server/client'
import { openDoor as openRelay } from '@sluice/relay'
import { openDoor as openRemoteProxy } from '@sluice/remote-proxy'
import { createLog, loadConfig, Program } from '@sluice/service'
import { hashPassword } from '@sluice/userstore'
import { type Address, encodePreamble } from '@sluice/wire'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openCircuit } from '../../apps/relay/src/testing/test-peer.ts'
import {
  httpsProxyConfigOf,
  npsServerConfigOf,
  relayConfigOf,
  START_DOORS,
  startDefaults,
  startSchema,
} from './start-config.ts'
import { signUpClient } from './start-tunnel.ts'
import { portOf } from './subject/echo.ts'
import { freePort } from './subject/free-port.ts'
import { loginOf, openTunnel } from './subject/proxy-client.ts'

const RATE = 400_000
/** More than any burst. */
const ENOUGH = 250_000
const BURST = 100_000

let data: string
let program: Program
let origin: Server
let originPort: number
let socks: Address
let relay: Address
let proxy: Address
let nps: OpenNpsServer

const start = async (...flags: string[]): Promise<void> => {
  const anywhere = ['http', 'socks', 'bridge', 'hosts', 'ops'].flatMap((name) => [`--${name}`, '127.0.0.1:0'])
  const others = [
    '--relay',
    'tcp://127.0.0.1:0',
    '--proxy',
    '127.0.0.1:0',
    '--open',
    '--allow',
    '127.0.0.0/8',
  ]
  const argv = ['--data', data, ...anywhere, ...others, ...flags]
  const { config } = loadConfig(startSchema, { argv, env: {} })
  const log = createLog({ level: 'silent' })
  program = await Program.start({
    ...{ app: 'test', version: '0', config, log, doors: START_DOORS, circuits: true, env: {} },
    defaults: startDefaults(config),
  })
  await program.store.add({
    name: 'ada',
    credentials: [{ kind: 'password', hash: await hashPassword('secret') }],
  })
  await program.directory.refresh()
  socks = (await openRemoteProxy(program, config)).socks
  const [listener] = (await openRelay(program, relayConfigOf(config))).listeners
  relay = listener!.address
  proxy = (await openHttpsProxy(program, httpsProxyConfigOf(config), { status: '/requests' })).proxy
  nps = await openNpsServer(program, npsServerConfigOf(config))
  await program.ready()
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)

const pour = (to: Writable): void => {
  const block = Buffer.alloc(64 * 1024)
  const more = (): void => {
    while (to.write(block));
  }
  to.on('drain', more)
  more()
}

/** An answer without end, asked for by the API. */
const openAnswer = async (url: string): Promise<IncomingMessage> => {
  const asked = request({
    ...{ host: proxy.host, port: proxy.port, method: 'POST', path: '/v1/requests', auth: 'ada:secret' },
    headers: { 'Content-Type': 'application/vnd.sluice.request' },
  })
  asked.end(encodePreamble(JSON.stringify({ url })))
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}

/** A client program of ada's that is there, and a port for visitors which leads through it to the origin. */
const openVisitors = async (): Promise<{ client: TunnelClient; port: number }> => {
  const { client: record, enroll } = await nps.manager.addClient({ user: 'ada' }, 'test')
  const port = await freePort()
  const place = { host: '127.0.0.1', port, targets: [String(originPort)] }
  await nps.manager.addTunnel({ clientId: record.id, mode: 'tcp', ...place }, 'test')
  const up = Promise.withResolvers<void>()
  const client = new TunnelClient({ enrolment: enroll!, graceMs: 1, events: { up: () => up.resolve() } })
  client.start()
  await Promise.race([up.promise, client.ended])
  await expect.poll(() => isOpen(port)).toBe(true)
  return { client, port }
}

const isOpen = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  const opened = await once(socket, 'connect').catch(() => undefined)
  socket.destroy()
  return opened !== undefined
}

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'doors-'))
  origin = createServer((socket) => {
    socket.on('error', () => {})
    pour(socket)
  })
  originPort = await portOf(origin)
})

afterEach(async () => {
  program.hurry()
  await program.stop()
  origin.close()
  rmSync(data, { recursive: true })
})

it('holds a tunnel and a circuit to the limit of the node, together', async () => {
  await start('--node-down', String(RATE))
  const login = loginOf('ada', 'secret')
  const target = { host: '127.0.0.1', port: originPort }
  using circuit = await openCircuit(relay)
  // From here on the origin pours, whether anybody reads or not.
  const startedAt = performance.now()
  const tunnel = await openTunnel(socks.port, { protocol: 'socks5', login, target })
  const got = { tunnel: 0, circuit: 0 }
  const enough = Promise.withResolvers<void>()
  const note = (which: keyof typeof got, bytes: number): void => {
    got[which] += bytes
    if (got.tunnel + got.circuit >= ENOUGH + BURST) enough.resolve()
  }
  tunnel.on('data', (chunk: Buffer) => note('tunnel', chunk.length)).resume()
  circuit.source.conn.attach({
    onData: (chunk) => note('circuit', chunk.length),
    onEnd: () => {},
    onDrain: () => {},
    onClose: () => {},
  })
  circuit.destination.write(Buffer.alloc(2 * (ENOUGH + BURST)))
  await enough.promise
  const seconds = (performance.now() - startedAt) / 1000
  const closed = once(tunnel, 'close')
  tunnel.destroy()
  await closed
  expect(seconds).toBeGreaterThan(ENOUGH / RATE)
  expect(Math.min(got.tunnel, got.circuit)).toBeGreaterThan(ENOUGH / 4)
})

it('holds a tunnel and an answer of the API to the limit of their user, together', async () => {
  await start('--limit', String(RATE))
  await using web = createHttpServer((_request, response) => pour(response))
  const startedAt = performance.now()
  const target = { host: '127.0.0.1', port: originPort }
  const login = loginOf('ada', 'secret')
  const tunnel = await openTunnel(socks.port, { protocol: 'socks5', login, target })
  const answer = await openAnswer(`http://127.0.0.1:${await portOf(web)}/`)
  const got = { tunnel: 0, answer: 0 }
  const enough = Promise.withResolvers<void>()
  const note = (which: keyof typeof got, bytes: number): void => {
    got[which] += bytes
    if (got.tunnel + got.answer >= ENOUGH + BURST) enough.resolve()
  }
  tunnel.on('data', (chunk: Buffer) => note('tunnel', chunk.length)).resume()
  answer.on('data', (chunk: Buffer) => note('answer', chunk.length))
  await enough.promise
  const seconds = (performance.now() - startedAt) / 1000
  const closed = Promise.all([once(tunnel, 'close'), once(answer, 'close')])
  tunnel.destroy()
  answer.on('error', () => {}).destroy()
  await closed
  web.closeAllConnections()
  expect(seconds).toBeGreaterThan(ENOUGH / RATE)
  expect(Math.min(got.tunnel, got.answer)).toBeGreaterThan(ENOUGH / 4)
})

it('holds a tunnel, visitors of a client and an answer of the API to the limit of their user, together', async () => {
  await start('--limit', String(RATE))
  await using web = createHttpServer((_request, response) => pour(response))
  const { client, port } = await openVisitors()
  const login = loginOf('ada', 'secret')
  const target = { host: '127.0.0.1', port: originPort }
  const url = `http://127.0.0.1:${await portOf(web)}/`
  const startedAt = performance.now()
  const tunnel = await openTunnel(socks.port, { protocol: 'socks5', login, target })
  const answer = await openAnswer(url)
  const visitor = connect(port, '127.0.0.1')
  const got = new Map<Readable, number>()
  const enough = Promise.withResolvers<void>()
  for (const each of [tunnel, answer, visitor]) {
    got.set(each, 0)
    each.on('error', () => {})
    each.on('data', (chunk: Buffer) => {
      got.set(each, got.get(each)! + chunk.length)
      if (sum([...got.values()]) >= ENOUGH + BURST) enough.resolve()
    })
    each.resume()
  }
  await enough.promise
  const seconds = (performance.now() - startedAt) / 1000
  const closed = Promise.all([tunnel, answer, visitor].map((each) => once(each, 'close')))
  for (const each of [tunnel, answer, visitor]) each.destroy()
  await Promise.all([closed, client.stop()])
  web.closeAllConnections()
  expect(seconds).toBeGreaterThan(ENOUGH / RATE)
  expect(Math.min(...got.values())).toBeGreaterThan(ENOUGH / 6)
})

it('has at each start one client of the demo user, with a new enrolment', async () => {
  await start()
  const demo = { user: 'ada', http: 7, port: await freePort() }
  const urls = [`http://127.0.0.1:${demo.port}/`, 'http://demo.localhost:7/']
  const first = await signUpClient(nps, demo)
  await expect.poll(() => [...nps.registry.clients.values()].map(({ hosts }) => hosts.size)).toEqual([1])
  const second = await signUpClient(nps, demo)
  expect([first.urls, second.urls]).toEqual([urls, urls])
  expect(second.enroll).not.toBe(first.enroll)
  const { id } = program.directory.byName('ada')!.user
  await expect
    .poll(() =>
      [...nps.registry.clients.values()].map(({ record, tunnels }) => [record.userId, tunnels.size]),
    )
    .toEqual([[id, 1]])
})

it('lets nobody into https-proxy without a login, although everybody may come to the relay', async () => {
  await start()
  const asked = request({ host: proxy.host, port: proxy.port, path: '/v1/queue' }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  expect(answer.statusCode).toBe(401)
})
