import { NetError } from '@sluice/net'
import { type End, TestClient } from '@sluice/service/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { echo, openTarget, pour, type TestTunnel, TestTunnels } from '../testing/test-tunnels.ts'

const KIB = 1024
const MIB = 1024 * KIB

let running: TestTunnels
let echoing: Awaited<ReturnType<typeof openTarget>>
let pouring: Awaited<ReturnType<typeof openTarget>>

beforeAll(async () => {
  running = await TestTunnels.open(
    [{ name: 'ada', password: 'p', limits: { connections: 1 } }],
    '--dial-timeout',
    '200ms',
  )
  echoing = await openTarget(echo)
  pouring = await openTarget(pour)
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  echoing[Symbol.dispose]()
  pouring[Symbol.dispose]()
})

const endOf = (client: TestClient) => running.journal.end(client)
const says = async (tunnel: TestTunnel, text: string): Promise<TestClient> => {
  const client = await TestClient.connect(tunnel, { half: true })
  client.send(Buffer.from(text))
  expect(String(await client.take(text.length))).toBe(text)
  return client
}

const refused = (tunnel: TestTunnel, from?: string): Promise<End> =>
  running.refused(tunnel, { tunnel: tunnel.tunnel.record.id }, from)

describe('a tcp tunnel', () => {
  it('leads visitors to the target, counts for tunnel and client, and tells whose tunnel it was', async () => {
    const tunnel = await running.addTunnel({ mode: 'tcp', targets: [echoing.text] })
    const client = await says(tunnel, 'hello')
    client.finish()
    await client.lastWords()
    const end = await endOf(client)
    expect(end).toMatchObject({
      door: 'tunnel',
      tunnel: tunnel.tunnel.record.id,
      protocol: 'tcp',
      code: 'OK',
    })
    expect(end).toMatchObject({ target: echoing.text, up: 5, down: 5 })
    expect(tunnel.tunnel.account.flow.read()).toEqual({ up: 5, down: 5 })
    expect(tunnel.client.account.flow.read()).toEqual({ up: 5, down: 5 })
    expect(tunnel.agent.links).toEqual([
      { target: echoing.text, visitor: { host: '127.0.0.1', port: client.port }, proxyHeader: undefined },
    ])
  })

  it('tells of its listener, and of where the visitor came to where a PROXY header is wanted', async () => {
    const tunnel = await running.addTunnel({ mode: 'tcp', targets: [String(echoing.port)], proxyHeader: 2 })
    const { host, port } = tunnel
    const line = JSON.stringify({ door: 'tunnel', host, port, tunnel: tunnel.tunnel.record.id }).slice(1, -1)
    expect(running.journal.lines.filter((each) => each.includes(line))).toHaveLength(1)
    const client = await says(tunnel, 'x')
    client.close()
    expect(tunnel.agent.links[0]).toMatchObject({
      target: echoing.text,
      proxyHeader: { version: 2, to: { host, port } },
    })
  })

  it('leads to each target in its turn', async () => {
    using other = await openTarget((socket) => void socket.end('other'))
    const tunnel = await running.addTunnel({ mode: 'tcp', targets: [echoing.text, other.text] })
    const first = await TestClient.connect(tunnel)
    expect(String(await first.rest())).toBe('other')
    const client = await says(tunnel, 'echo')
    client.close()
  })

  it('resets visitors where nobody is connected, the target refuses or is silent for too long', async () => {
    const { client, agent } = running.addClient()
    const tunnel = await running.addTunnel({ mode: 'tcp', targets: ['127.0.0.1:1'] }, { client, agent })
    expect(await refused(tunnel)).toMatchObject({ code: 'DIAL_REFUSED', up: 0, down: 0 })
    agent.onOpen = (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    expect(await refused(tunnel)).toMatchObject({ code: 'DIAL_TIMEOUT' })
    running.registry.left(client, agent)
    expect(await refused(tunnel)).toMatchObject({ code: 'AGENT_OFFLINE' })
    const none = await running.addTunnel({ mode: 'tcp', targets: [] })
    expect(await refused(none)).toMatchObject({ code: 'DIAL_FAILED' })
  })

  it('leads on to another target where one cannot be reached, and tells of the one that it came to', async () => {
    for (const balance of ['roundRobin', 'leastConnections'] as const) {
      const targets = ['127.0.0.1:1', '127.0.0.1:2', echoing.text]
      const tunnel = await running.addTunnel({ mode: 'tcp', targets, balance })
      for (const _ of targets) {
        const client = await says(tunnel, 'x')
        client.close()
        expect(await endOf(client)).toMatchObject({ code: 'OK', target: echoing.text })
      }
      const { links } = tunnel.agent
      expect(links.filter((link) => 'target' in link && link.target === echoing.text)).toHaveLength(3)
      expect(links.length).toBeGreaterThan(3)
    }
  })

  it('tries each target once, all of them within the time for one dial', async () => {
    const targets = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3']
    const tunnel = await running.addTunnel({ mode: 'tcp', targets })
    expect(await refused(tunnel)).toMatchObject({ code: 'DIAL_REFUSED' })
    const tried = (): string[] => tunnel.agent.links.map((link) => ('target' in link ? link.target : ''))
    expect(tried().toSorted()).toEqual(targets)
    tunnel.agent.links.length = 0
    tunnel.agent.onOpen = (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const since = performance.now()
    const end = await refused(tunnel)
    expect(end).toMatchObject({ code: 'DIAL_TIMEOUT', target: tried().at(-1) })
    expect(tried().toSorted()).toEqual(targets)
    // One after the other they would take 600 ms.
    expect(performance.now() - since).toBeLessThan(550)
  })

  it('leaves another target alone where the client denies one, or the visitor leaves', async () => {
    const tunnel = await running.addTunnel({ mode: 'tcp', targets: ['127.0.0.1:1', echoing.text] })
    tunnel.agent.onOpen = () => Promise.reject(new NetError('TARGET_DENIED', 'not that one'))
    expect(await refused(tunnel)).toMatchObject({ code: 'TARGET_DENIED' })
    const asked = Promise.withResolvers<void>()
    tunnel.agent.onOpen = (signal) => {
      asked.resolve()
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    }
    const client = await TestClient.connect(tunnel)
    await asked.promise
    client.reset()
    expect(await endOf(client)).toMatchObject({ code: 'CLIENT_CLOSED' })
    expect(tunnel.agent.links).toHaveLength(2)
  })

  it('lets in whom the lists of client and tunnel let in, as they are now', async () => {
    const tunnel = await running.addTunnel({ mode: 'tcp', targets: [echoing.text], deny: ['127.0.0.1'] })
    expect(await refused(tunnel)).toMatchObject({ code: 'VISITOR_DENIED' })
    running.registry.patch(tunnel.tunnel, { deny: [] })
    running.registry.patch(tunnel.client, { allow: ['127.0.0.1'] })
    const client = await says(tunnel, 'x')
    client.close()
    expect(await refused(tunnel, '127.0.0.2')).toMatchObject({ code: 'VISITOR_DENIED' })
    expect(tunnel.agent.links).toHaveLength(1)
  })

  it('holds the limits of its user, its client and itself on connections', async () => {
    const user = running.program.directory.byName('ada')!
    for (const limited of ['user', 'client', 'tunnel']) {
      const limits = { connections: 1 }
      const owned = running.addClient({
        ...(limited === 'user' && { userId: user.user.id }),
        ...(limited === 'client' && { limits }),
      })
      const tunnel = await running.addTunnel(
        { mode: 'tcp', targets: [echoing.text], ...(limited === 'tunnel' && { limits }) },
        owned,
      )
      const first = await says(tunnel, 'first')
      expect(await refused(tunnel)).toMatchObject({ code: 'CONNECTION_LIMIT' })
      first.close()
      await endOf(first)
      const third = await says(tunnel, 'third')
      third.close()
      expect((await endOf(third)).user).toBe(limited === 'user' ? 'ada' : undefined)
    }
  })

  it('is cut at the quota of the tunnel or the client, within 64 KiB', async () => {
    const quotaBytes = 2 * MIB + 12_345
    for (const limited of ['client', 'tunnel']) {
      const limits = { quotaBytes }
      const owned = running.addClient(limited === 'client' ? { limits } : {})
      const fields = { mode: 'tcp', targets: [pouring.text] } as const
      const tunnel = await running.addTunnel({ ...fields, ...(limited === 'tunnel' && { limits }) }, owned)
      const [one, other] = [await TestClient.connect(tunnel), await TestClient.connect(tunnel)]
      const ends = [await endOf(one), await endOf(other)]
      expect(ends.map(({ code }) => code)).toEqual(['QUOTA_EXCEEDED', 'QUOTA_EXCEEDED'])
      const moved = ends.reduce((sum, { up, down }) => sum + up + down, 0)
      expect(moved).toBeGreaterThanOrEqual(quotaBytes)
      expect(moved).toBeLessThanOrEqual(quotaBytes + 64 * KIB)
      expect(await refused(tunnel)).toMatchObject({ code: 'QUOTA_EXCEEDED', down: 0 })
      if (limited === 'client') running.registry.patch(owned.client, { limits: {} })
      else running.registry.patch(tunnel.tunnel, { limits: {} })
      const again = await TestClient.connect(tunnel)
      await again.take(MIB)
      again.close()
    }
  })

  it('shares the rate of its client with other tunnels of it, and takes a new one over at once', async () => {
    const owned = running.addClient({ limits: { down: 400 * KIB, burst: 64 * KIB } })
    const clients = await Promise.all(
      [1, 2].map(async () =>
        TestClient.connect(await running.addTunnel({ mode: 'tcp', targets: [pouring.text] }, owned)),
      ),
    )
    const since = performance.now()
    await Promise.all(clients.map((client) => client.take(150 * KIB)))
    const received = clients.reduce((sum, client) => sum + client.received.length, 0)
    const seconds = (performance.now() - since) / 1000
    expect(received).toBeLessThanOrEqual((64 + 400 * seconds + 64) * KIB)
    expect(seconds).toBeGreaterThan(0.4)
    running.registry.patch(owned.client, { limits: {} })
    const lifted = performance.now()
    const free = clients.map(async (client) => {
      await client.take(2 * MIB)
      client.close()
    })
    await Promise.all(free)
    // 10 s at the old rate.
    expect(performance.now() - lifted).toBeLessThan(7000)
  })

  it('ends with its agent', async () => {
    const tunnel = await running.addTunnel({ mode: 'tcp', targets: [echoing.text] })
    const client = await says(tunnel, 'x')
    tunnel.agent.close()
    expect(await endOf(client)).toMatchObject({ code: 'TARGET_RESET', up: 1, down: 1 })
  })
})
