import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Conn, createDial } from '@sluice/net'
import { Collector } from '@sluice/net/testing'
import { createLog } from '@sluice/service'
import { decodeProxyHeader } from '@sluice/wire'
import { afterEach, describe, expect, it } from 'vitest'
import type { Agent } from '../agent.ts'
import type { LiveClient } from '../registry.ts'
import { TestBridge, type TestBridgeOptions } from '../testing/test-bridge.ts'
import { formatEnrolment, makeSecret } from '../bridge/index.ts'
import { TunnelClient, type TunnelClientOptions } from './index.ts'

const visitor = { host: '192.0.2.7', port: 5 }
const NEVER = new AbortController().signal
const quiet = createLog({ level: 'error', sink: { write: () => {} } })

describe('a client program at the bridge', () => {
  const open: AsyncDisposable[] = []
  const clients: TunnelClient[] = []
  const servers: (Server | UdpSocket)[] = []
  afterEach(async () => {
    for (const client of clients.splice(0)) {
      client.hurry()
      await client.stop()
    }
    for (const bridge of open.splice(0)) await bridge[Symbol.asyncDispose]()
    for (const server of servers.splice(0)) server.close()
  })

  const bridgeOf = async (options: TestBridgeOptions = {}): Promise<TestBridge> => {
    const bridge = await TestBridge.open(options)
    open.push(bridge)
    return bridge
  }

  const clientOf = (options: TunnelClientOptions): TunnelClient => {
    const client = new TunnelClient({ log: quiet, random: () => 0, ...options })
    clients.push(client)
    client.start()
    return client
  }

  /** A client program that is connected. */
  const connected = async (
    bridge: TestBridge,
    options: Partial<TunnelClientOptions> = {},
  ): Promise<{ program: TunnelClient; client: LiveClient; agent: Agent }> => {
    const { client, enrolment } = bridge.enrol()
    const program = clientOf({ enrolment: formatEnrolment(enrolment), ...options })
    await expect.poll(() => client.agents.all.length).toBe(1)
    return { program, client, agent: client.agents.all[0]! }
  }

  const tcpTarget = async (onConn: (socket: Socket) => void): Promise<string> => {
    const server = createServer({ allowHalfOpen: true }, onConn)
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const echo = (): Promise<string> => tcpTarget((socket) => socket.pipe(socket).on('error', () => {}))

  const udpEcho = async (): Promise<AddressInfo> => {
    const socket = createSocket('udp4')
    servers.push(socket)
    socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address))
    await once(socket.bind(0, '127.0.0.1'), 'listening')
    return socket.address()
  }

  const rest = async (conn: Conn, text: string): Promise<string> => {
    const got = new Collector(conn)
    conn.write(Buffer.from(text))
    conn.end()
    await got.until(() => got.has('end'))
    return got.text
  }

  it('relays a stream to its target, and ends both ways one by one', async () => {
    const { agent, program } = await connected(await bridgeOf())
    const target = await echo()
    const conn = await agent.open({ target, visitor }, NEVER)
    expect(await rest(conn, 'hello')).toBe('hello')
    expect(await rest(await agent.open({ target: target.split(':')[1]!, visitor }, NEVER), 'port')).toBe(
      'port',
    )
    expect(program.status).toMatchObject({ up: 9, down: 9 })
    await expect.poll(() => program.status.streams).toBe(0)
  })

  it('tells the target who the visitor is, where it is to know', async () => {
    const { agent } = await connected(await bridgeOf())
    const target = await echo()
    for (const version of [1, 2] as const) {
      const to = { host: '192.0.2.9', port: 443 }
      const conn = await agent.open({ target, visitor, proxyHeader: { version, to } }, NEVER)
      const got = Buffer.from(await rest(conn, 'x'), 'latin1')
      const { value, size } = decodeProxyHeader(got)!
      expect(value).toMatchObject({ version, endpoints: { source: visitor, destination: to } })
      expect(got.subarray(size).toString()).toBe('x')
    }
  })

  it('tells truthfully why a target cannot be reached', async () => {
    const { agent } = await connected(await bridgeOf())
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`
    await new Promise((resolve) => server.close(resolve))
    const opening = (to: string): Promise<unknown> => agent.open({ target: to, visitor }, NEVER)
    await expect(opening(target)).rejects.toMatchObject({ code: 'DIAL_REFUSED' })
    await expect(opening('no.such.invalid:1')).rejects.toMatchObject({ code: /^DIAL_NAME/ })
    await expect(opening('10.0.0.1:80')).rejects.toMatchObject({ code: 'TARGET_DENIED' })
    await expect(opening('1.1.1.1:80')).rejects.toMatchObject({ code: 'TARGET_DENIED' })
    await expect(opening('no target')).rejects.toMatchObject({ code: 'HANDSHAKE_INVALID' })
    await expect(agent.openFiles({ path: '/', stripPrefix: '', visitor }, NEVER)).rejects.toMatchObject({
      code: 'COMMAND_UNSUPPORTED',
    })
    await expect(agent.openDatagrams({ target: '10.0.0.1:53', visitor }, NEVER)).rejects.toMatchObject({
      code: 'TARGET_DENIED',
    })
  })

  it('carries datagrams of one visitor, boundaries kept', async () => {
    const { agent, program } = await connected(await bridgeOf())
    const { port } = await udpEcho()
    const link = await agent.openDatagrams({ target: `127.0.0.1:${port}`, visitor }, NEVER)
    const got: Buffer[] = []
    link.onDatagram = (bytes): void => void got.push(Buffer.from(bytes))
    const sent = [Buffer.alloc(0), Buffer.from('one'), Buffer.alloc(60_000, 2)]
    for (const [nth, datagram] of sent.entries()) {
      expect(link.send(datagram)).toBe(true)
      await expect.poll(() => got.length).toBe(nth + 1)
    }
    expect(got).toEqual(sent)
    expect(program.status).toMatchObject({ up: 60_003, down: 60_003 })
    link.close()
    await expect.poll(() => program.status.streams).toBe(0)
  })

  it('carries packets to many targets, those that are allowed', async () => {
    const { agent } = await connected(await bridgeOf())
    const places = [await udpEcho(), await udpEcho()]
    const link = await agent.openPackets(visitor, NEVER)
    const got: [number, string][] = []
    link.onDatagram = (from, bytes): void => void got.push([from.port, Buffer.from(bytes).toString()])
    link.send({ host: '10.0.0.1', port: 53 }, Buffer.from('denied'))
    for (const { port } of places) {
      link.send({ host: 'localhost', port }, Buffer.from(`to ${port}`))
      await expect.poll(() => got.at(-1)).toEqual([port, `to ${port}`])
    }
    link.close()
  })

  it('serves files of its folder, and ends visitors that ask for nothing when it stops', async () => {
    const files = mkdtempSync(join(tmpdir(), 'nps-files-'))
    mkdirSync(join(files, 'docs'))
    writeFileSync(join(files, 'docs/a.txt'), 'a file')
    const { agent, program } = await connected(await bridgeOf(), { files })
    const place = { path: '/docs', stripPrefix: '/files', visitor }
    const conn = await agent.openFiles(place, NEVER)
    const got = new Collector(conn)
    conn.write(Buffer.from('GET /files/a.txt HTTP/1.1\r\nHost: a\r\n\r\n'))
    await got.until(() => got.text.endsWith('a file'))
    await expect(agent.openFiles({ ...place, path: '/../..' }, NEVER)).rejects.toMatchObject({
      code: 'TARGET_DENIED',
    })
    await program.stop()
    await got.until(() => got.has('end'))
    expect(program.status.down).toBe(got.size)
    rmSync(files, { recursive: true })
  })

  it('shares one log with all of its process where it is given none', async () => {
    const before = process.listenerCount('exit')
    const enrolment = {
      server: [{ host: '127.0.0.1', port: 1 }],
      fingerprint: makeSecret(),
      secret: makeSecret(),
    }
    const clients = Array.from({ length: 20 }, () => new TunnelClient({ enrolment }))
    expect(clients).toHaveLength(20)
    expect(process.listenerCount('exit')).toBeLessThanOrEqual(before + 1)
  })

  it('shows what it has at the server', async () => {
    const bridge = await bridgeOf()
    const { client, program } = await connected(bridge)
    bridge.registry.addTunnel(client, { mode: 'tcp', host: '0.0.0.0', port: 2222, targets: ['22'] })
    bridge.registry.addHost(client, { host: 'example.org', targets: ['80'] })
    expect(await program.ask()).toMatchObject({
      id: client.record.id,
      tunnels: [{ mode: 'tcp', port: 2222, targets: ['22'] }],
      hosts: [{ host: 'example.org', targets: ['80'] }],
    })
  })

  it('comes back by itself after the server has restarted', async () => {
    const first = await bridgeOf()
    const events: string[] = []
    const { program } = await connected(first, {
      events: { up: () => void events.push('up'), down: () => void events.push('down') },
    })
    await first.stop()
    await expect.poll(() => events).toContain('down')
    const second = await bridgeOf({ like: first })
    const client = [...second.registry.clients.values()][0]!
    await expect.poll(() => client.agents.all.length).toBe(1)
    // The client hears of it after the server.
    await expect.poll(() => events.at(-1)).toBe('up')
    const conn = await client.agents.all[0]!.open({ target: await echo(), visitor }, NEVER)
    expect(await rest(conn, 'again')).toBe('again')
    expect(program.status.server).toEqual(second.address)
  })

  it('says why it is down as seen from where it runs', async () => {
    const bridge = await bridgeOf()
    const why: string[] = []
    const anywhere = createDial({ policy: { check: () => {} } })
    let carrier: Conn | undefined
    const { program, client } = await connected(bridge, {
      dial: async (...asked) => (carrier = await anywhere(...asked)),
      events: { down: ({ message }) => void why.push(message) },
    })
    // The server is done with the login before the client is.
    await expect.poll(() => program.status.server).toBeDefined()
    carrier!.destroy()
    await expect.poll(() => why).toEqual(['the server was silent for too long, or the connection broke'])
    await expect.poll(() => program.status.server).toBeDefined()
    bridge.registry.patch(client, { enabled: false })
    await expect.poll(() => why.at(-1)).toBe('USER_DISABLED: the client is disabled at the server')
  })

  it('gives up where its secret is nobody’s, or the server another one', async () => {
    const { enrolment } = (await bridgeOf()).enrol()
    await expect(clientOf({ enrolment: { ...enrolment, secret: makeSecret() } }).ended).rejects.toMatchObject(
      {
        code: 'BRIDGE_REFUSED',
      },
    )
    const fingerprint = new Uint8Array(32)
    await expect(clientOf({ enrolment: { ...enrolment, fingerprint } }).ended).rejects.toMatchObject({
      code: 'BRIDGE_SERVER',
    })
  })

  it('takes no more streams when it stops, and lets those that are open end', async () => {
    const bridge = await bridgeOf()
    const { agent, client, program } = await connected(bridge)
    const conn = await agent.open({ target: await echo(), visitor }, NEVER)
    const stopped = program.stop()
    await expect.poll(() => client.agents.all.length).toBe(0)
    await expect(agent.open({ target: '1', visitor }, NEVER)).rejects.toMatchObject({ code: 'AGENT_OFFLINE' })
    expect(await rest(conn, 'last')).toBe('last')
    await stopped
    await program.ended
    expect(await bridge.journal.end({ nth: 0 })).toMatchObject({ code: 'OK' })
  })

  it('is ended with its streams where its grace is over', async () => {
    const { agent, program } = await connected(await bridgeOf(), { graceMs: 1 })
    const conn = new Collector(await agent.open({ target: await echo(), visitor }, NEVER))
    await program.stop()
    await conn.until(() => conn.has('break'))
  })
})
