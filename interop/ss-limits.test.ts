import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { COMMAND } from './nps-peers.ts'
import { BODY, deadPort, type Origin, pouringOrigin, tcpOrigin } from './origin.ts'
import { run, start, stop } from './process.ts'
import { off, ratesOnce } from './rates.ts'
import { SsClients, type SsTarget } from './ss-clients.ts'
import { SsNode, ssUsage, ssUser, type Usage } from './ss-node.ts'
import { temporaryFolder } from './sluice.ts'

const METHOD = 'aes-256-gcm'
const RATE = 2_000_000
const QUOTA = 2_000_000
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  slow: ['--down', `${RATE}`],
  few: ['--connections', '2', '--down', '100KB/s'],
  short: ['--quota', `${QUOTA}`],
  off: ['--down', '1MB/s'],
  exact: [],
}
const data = temporaryFolder()
const servers = new Map<string, SsTarget>()
const transfers: ReturnType<typeof start>[] = []
let node: SsNode
let clients: SsClients
let source: Origin

beforeAll(async () => {
  source = await pouringOrigin()
  clients = new SsClients()
  for (const [name, flags] of Object.entries(FLAGS)) {
    const server = { port: await deadPort(), method: METHOD, password: `password of ${name}` }
    const own = ['--ss-port', String(server.port), '--ss-method', METHOD, '--ss-secret-stdin']
    await ssUser(data, ['add', name, ...own, ...flags], `${server.password}\n`)
    servers.set(name, server)
  }
  node = await SsNode.start({ data })
})
afterEach(async () => {
  await Promise.all(transfers.splice(0).map((transfer) => stop(transfer)))
})
afterAll(async () => {
  await clients[Symbol.asyncDispose]()
  await node[Symbol.asyncDispose]()
  source[Symbol.dispose]()
  rmSync(data, { recursive: true })
})

const curlArgs = (socks: number, port = source.port): string[] => [
  ...['-sSN', '--max-time', '20', '--socks5-hostname', `127.0.0.1:${socks}`, `http://127.0.0.1:${port}/`],
]

interface Download {
  readonly child: ReturnType<typeof start>
  readonly received: () => number
}

const download = (socks: number): Download => {
  const child = start('curl', curlArgs(socks))
  transfers.push(child)
  let received = 0
  child.stdout.on('data', (chunk: Buffer) => (received += chunk.length))
  return { child, received: () => received }
}

const local = (name: string): Promise<number> => clients.local(servers.get(name)!)

test('two downloads share the rate that was set, within 10 %, and a change acts on them', async () => {
  const socks = await local('slow')
  const both = [download(socks), download(socks)]
  const sum = (): number => both.reduce((total, { received }) => total + received(), 0)
  const isAt = async (wanted: number): Promise<void> => {
    const [rate] = await ratesOnce([sum], 2000, ([seen]) => off(seen!, wanted) < 0.1)
    expect(off(rate!, wanted)).toBeLessThan(0.1)
  }
  await sleep(1000)
  await isAt(RATE)
  await ssUser(data, ['set', 'slow', '--down', '500KB/s'])
  // What ss-local and the system still hold was sent at the old rate.
  await sleep(2000)
  await isAt(500_000)
})

test('a connection beyond the limit gets nothing, and one that ends makes room', async () => {
  const socks = await local('few')
  const both = [download(socks), download(socks)]
  for (const { received } of both) await expect.poll(received).toBeGreaterThan(0)
  const { status, stdout } = await run('curl', curlArgs(socks))
  expect([status === 0, stdout.length]).toEqual([false, 0])
  await expect.poll(() => node.log).toContain('"code":"CONNECTION_LIMIT"')
  await stop(transfers[0]!)
  const again = async (): Promise<number> => {
    // One that was let in has something to come; one that was not ends without.
    const { child, received } = download(socks)
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    return received()
  }
  await expect.poll(again, { interval: 0 }).toBeGreaterThan(0)
})

test('a quota cuts at its last byte', async () => {
  const { child, received } = download(await local('short'))
  await once(child, 'close')
  const usage = (): Promise<Usage> => ssUsage(data, 'short')
  await expect.poll(async () => (await usage()).total, COMMAND).toBeGreaterThan(0.95 * QUOTA)
  await expect.poll(async () => (await usage()).down, COMMAND).toBeGreaterThanOrEqual(received())
  expect((await usage()).total).toBeLessThanOrEqual(QUOTA)
  await expect.poll(() => node.log).toContain('"code":"QUOTA_EXCEEDED"')
})

test('a user who is disabled is cut within 2 s', async () => {
  const { child, received } = download(await local('off'))
  await expect.poll(received).toBeGreaterThan(100_000)
  await ssUser(data, ['disable', 'off'])
  const at = performance.now()
  if (child.exitCode === null) await once(child, 'exit')
  // The rest is for a busy machine.
  expect(performance.now() - at).toBeLessThan(4000)
})

test('usage is the payload of both protocols, to the byte', async () => {
  let asked = 0
  using origin = await tcpOrigin((socket) => {
    socket.on('data', (chunk) => (asked += chunk.length)).once('data', () => socket.end(BODY))
  })
  const datagrams = createSocket('udp4').bind(origin.port, '127.0.0.1')
  await once(datagrams, 'listening')
  datagrams.on('message', (bytes: Buffer, { port }: RemoteInfo) =>
    datagrams.send(Buffer.concat([bytes, bytes]), port, '127.0.0.1'),
  )
  const { stdout } = await run('curl', ['--http0.9', ...curlArgs(await local('exact'), origin.port)])
  expect(stdout.equals(BODY)).toBe(true)

  const own = createSocket('udp4')
  own.connect(await clients.tunnel({ ...servers.get('exact')!, to: origin.port }), '127.0.0.1')
  await once(own, 'connect')
  const answer = once(own, 'message', { signal: AbortSignal.timeout(20_000) })
  own.send(Buffer.alloc(500))
  await answer
  own.close()
  datagrams.close()
  await expect
    .poll(() => ssUsage(data, 'exact'), COMMAND)
    .toMatchObject({ up: asked + 500, down: BODY.length + 1000 })
})
