import { TestClient } from '@sluice/service/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort, OWN_HOST } from '../testing/own-loopback.ts'
import { configOf, echo, openTarget, type TestTunnel, TestTunnels } from '../testing/test-tunnels.ts'
import { RETRY_MS } from './tunnel-door.ts'

let running: TestTunnels
let echoing: Awaited<ReturnType<typeof openTarget>>

beforeAll(async () => {
  running = await TestTunnels.open()
  echoing = await openTarget(echo)
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  echoing[Symbol.dispose]()
})

const fields = () => ({ mode: 'tcp', targets: [echoing.text] }) as const
const greet = async (address: { host: string; port: number }): Promise<TestClient> => {
  const client = await TestClient.connect(address)
  client.send(Buffer.from('hi'))
  await client.take(2)
  return client
}
const isClosed = async ({ host, port }: TestTunnel): Promise<void> => {
  await expect(TestClient.connect({ host, port })).rejects.toThrow('ECONNREFUSED')
}

test('a tunnel that is removed is closed, and its visitors are cut', async () => {
  const tunnel = await running.addTunnel(fields())
  const client = await greet(tunnel)
  running.registry.removeTunnel(tunnel.tunnel)
  expect(await running.journal.end(client)).toMatchObject({ code: 'TUNNEL_REMOVED', up: 2, down: 2 })
  await isClosed(tunnel)
})

test('a disabled tunnel is closed, and so are those of a disabled client; both open again', async () => {
  const tunnel = await running.addTunnel(fields())
  for (const level of [tunnel.tunnel, tunnel.client] as const) {
    const client = await greet(tunnel)
    running.registry.patch(level as TestTunnel['tunnel'], { enabled: false })
    expect(await running.journal.end(client)).toMatchObject({ code: 'USER_DISABLED' })
    await isClosed(tunnel)
    running.registry.patch(level as TestTunnel['tunnel'], { enabled: true })
    await running.tunnels.sync()
    const again = await greet(tunnel)
    again.close()
  }
})

test('a tunnel moves to another port, another one follows at once at its own, and visitors go on', async () => {
  const [one, other] = [await running.addTunnel(fields()), await running.addTunnel(fields())]
  const client = await greet(other)
  const port = freePort()
  other.tunnel.record = { ...other.tunnel.record, port }
  running.registry.patch(one.tunnel, { port: other.port })
  await running.tunnels.sync()
  expect([one.tunnel.problem, other.tunnel.problem]).toEqual([undefined, undefined])
  for (const address of [other, { host: OWN_HOST, port }]) {
    const visitor = await greet(address)
    visitor.close()
  }
  await isClosed(one)
  client.send(Buffer.from('ho'))
  await client.take(4)
  client.close()
})

test('a port in use is told on the tunnel and once in the log, and tried again until it is free', async () => {
  const port = freePort()
  const first = await running.addTunnel({ ...fields(), port })
  const second = await running.addTunnel({ ...fields(), port })
  const problem = `cannot listen on ${OWN_HOST}:${port}: EADDRINUSE`
  const { id } = second.tunnel.record
  const told = () => running.journal.lines.filter((line) => line.includes('"tunnel.unavailable"'))
  expect(second.tunnel.problem).toBe(problem)
  running.clock.advance(RETRY_MS)
  await running.tunnels.sync()
  expect(second.tunnel.problem).toBe(problem)
  expect(told().map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ level: 'warn', tunnel: id, host: OWN_HOST, port, errno: 'EADDRINUSE' }),
  ])
  running.registry.removeTunnel(first.tunnel)
  running.clock.advance(RETRY_MS - 1)
  await running.tunnels.sync()
  expect(second.tunnel.problem).toBe(problem)
  running.clock.advance(1)
  await running.tunnels.sync()
  expect(second.tunnel.problem).toBe(undefined)
  const client = await greet({ host: OWN_HOST, port })
  client.close()
})

test('a tunnel says why it is not open; what changes with the settings holds at once', async () => {
  const far = await running.addTunnel({ ...fields(), port: 80 })
  expect(far.tunnel.problem).toBe('port 80 is not among --ports')
  const { client } = far
  const nowhere = running.registry.addTunnel(client, { mode: 'tcp', targets: [] })
  const proxy = running.registry.addTunnel(client, { mode: 'mixed', host: '0.0.0.0', port: freePort() })
  const secret = running.registry.addTunnel(client, { mode: 'secret', targets: [] })
  await running.tunnels.sync()
  expect([nowhere, proxy, secret].map(({ problem }) => problem)).toEqual([
    'it has no port',
    'a proxy beyond loopback needs a login',
    undefined,
  ])
  expect(running.journal.lines.map((line) => JSON.parse(line) as object)).toContainEqual(
    expect.objectContaining({ msg: 'tunnel.unavailable', tunnel: proxy.record.id, why: proxy.problem }),
  )
  const tunnel = await running.addTunnel(fields())
  await running.program.reload(configOf('--ports', '1-2'))
  expect(tunnel.tunnel.problem).toBe(`port ${tunnel.port} is not among --ports`)
  await running.program.reload(configOf())
  await running.tunnels.sync()
  const visitor = await greet(tunnel)
  visitor.close()
})

test('once the program stops nothing opens any more', async () => {
  await using stopping = await TestTunnels.open()
  const port = freePort()
  await stopping.addTunnel({ ...fields(), port })
  const waiting = await stopping.addTunnel({ ...fields(), port })
  await stopping.program.stop()
  stopping.clock.advance(RETRY_MS)
  stopping.registry.tell()
  await stopping.tunnels.sync()
  await isClosed(waiting)
})
