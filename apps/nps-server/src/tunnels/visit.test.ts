import type { Listener } from '@sluice/net'
import type { Handshake } from '@sluice/service'
import { TestClient } from '@sluice/service/testing'
import type { Address } from '@sluice/wire'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { OWN_HOST } from '../testing/own-loopback.ts'
import { echo, openTarget, type TestTunnel, TestTunnels, type TunnelEnd } from '../testing/test-tunnels.ts'

let running: TestTunnels
let echoing: Awaited<ReturnType<typeof openTarget>>
const listeners: Listener[] = []

beforeAll(async () => {
  running = await TestTunnels.open()
  echoing = await openTarget(echo)
})
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close()
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  echoing[Symbol.dispose]()
})

describe('the files of a client', () => {
  it('are asked for by folder and prefix, and counted as any other tunnel', async () => {
    const tunnel = await running.addTunnel({ mode: 'file', localPath: '/srv', stripPrefix: '/files' })
    tunnel.agent.files = echoing
    const client = await TestClient.connect(tunnel, { half: true })
    client.send(Buffer.from('GET'))
    await client.take(3)
    client.finish()
    await client.rest()
    expect(await running.journal.end(client)).toMatchObject({ protocol: 'file', code: 'OK', up: 3, down: 3 })
    const visitor = { host: '127.0.0.1', port: client.port }
    expect(tunnel.agent.links).toEqual([{ path: '/srv', stripPrefix: '/files', visitor }])
    expect(tunnel.tunnel.account.flow.read()).toEqual({ up: 3, down: 3 })
  })
})

describe('a visit of a secret tunnel', () => {
  /** A door whose visitors have all found the tunnel. */
  const doorTo = async ({ tunnel }: TestTunnel): Promise<Address> => {
    const at = { host: OWN_HOST, port: 0 }
    const handshake: Handshake = async ({ conn, client: visitor }) =>
      running.tunnels.visit(tunnel, { conn, visitor, protocol: 'secret' })
    const listener = await running.program.listen('npc-bridge', at, handshake)
    listeners.push(listener)
    return listener.address
  }
  const refused = (door: Address): Promise<TunnelEnd> => running.refused(door, { door: 'npc-bridge' })

  it('leads to its target, through its client, and is counted and limited by both', async () => {
    const tunnel = await running.addTunnel({
      mode: 'secret',
      targets: [echoing.text],
      limits: { connections: 1 },
    })
    expect(tunnel.tunnel.problem).toBe(undefined)
    await expect(TestClient.connect(tunnel)).rejects.toThrow('ECONNREFUSED')
    const door = await doorTo(tunnel)
    const client = await TestClient.connect(door, { half: true })
    client.send(Buffer.from('hello'))
    await client.take(5)
    expect(await refused(door)).toMatchObject({ code: 'CONNECTION_LIMIT' })
    client.finish()
    expect(await running.journal.end(client)).toMatchObject({
      door: 'npc-bridge',
      protocol: 'secret',
      code: 'OK',
      up: 5,
    })
    expect(tunnel.client.account.flow.read()).toEqual({ up: 5, down: 5 })
    expect(tunnel.agent.links).toMatchObject([{ target: echoing.text }])
  })

  it('is refused where the tunnel is off, or its lists say so', async () => {
    const tunnel = await running.addTunnel({ mode: 'secret', targets: [echoing.text], deny: ['127.0.0.0/8'] })
    const door = await doorTo(tunnel)
    expect(await refused(door)).toMatchObject({ code: 'VISITOR_DENIED' })
    running.registry.patch(tunnel.tunnel, { deny: [], enabled: false })
    expect(await refused(door)).toMatchObject({ code: 'USER_DISABLED' })
    expect(tunnel.agent.links).toEqual([])
  })
})
