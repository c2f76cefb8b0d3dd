import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@sluice/ratelimit'
import { createLog, loadConfig, Program, storeUrl } from '@sluice/service'
import { type End, Journal, storedUser, type TestUser } from '@sluice/service/testing'
import { openStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { type NpsServerConfig, schema } from '../config.ts'
import type { NewTunnel } from '../records.ts'
import type { LiveClient, LiveTunnel } from '../registry.ts'
import { openTunnels, type Tunnels } from '../tunnels/tunnels.ts'
import { FakeAgent } from './fake-agent.ts'
import { FakeRegistry } from './fake-registry.ts'
import { freePort, OWN_HOST } from './own-loopback.ts'

export const configOf = (...argv: string[]): NpsServerConfig =>
  loadConfig(schema, { argv: ['--ops', '127.0.0.1:0', ...argv], env: {} }).config

/** The last line of a session, with the tunnel that it came by. */
export interface TunnelEnd extends End {
  readonly tunnel?: number
  readonly door?: string
}

/** Where the tunnel is open, and whose it is. */
export interface TestTunnel extends Address {
  readonly tunnel: LiveTunnel
  readonly client: LiveClient
  readonly agent: FakeAgent
}

/** The tunnels of a program in this process, with records and client programs of the test. */
export class TestTunnels implements AsyncDisposable {
  readonly program: Program
  readonly registry: FakeRegistry
  readonly tunnels: Tunnels
  readonly journal: Journal
  /** Of retries. */
  readonly clock: ManualClock
  readonly #data: string

  static async open(users: readonly TestUser[] = [], ...argv: string[]): Promise<TestTunnels> {
    const data = mkdtempSync(join(tmpdir(), 'nps-server-'))
    const config = configOf('--data', data, ...argv)
    const store = await openStore(storeUrl(config))
    for (const user of users) await store.add(await storedUser(user))
    await store.close()
    const journal = new Journal()
    const log = createLog({ level: 'debug', sink: journal })
    const program = await Program.start({
      app: 'test',
      version: '0',
      config,
      log,
      doors: ['tunnel'],
      env: {},
    })
    const registry = new FakeRegistry(program.directory)
    const clock = new ManualClock()
    const tunnels = await openTunnels({ program, config, registry, clock })
    return new TestTunnels({ program, registry, tunnels, journal, clock }, data)
  }

  private constructor(
    parts: Pick<TestTunnels, 'program' | 'registry' | 'tunnels' | 'journal' | 'clock'>,
    data: string,
  ) {
    this.program = parts.program
    this.registry = parts.registry
    this.tunnels = parts.tunnels
    this.journal = parts.journal
    this.clock = parts.clock
    this.#data = data
  }

  /** A client with one program that is connected. */
  addClient(fields: Parameters<FakeRegistry['addClient']>[0] = {}): { client: LiveClient; agent: FakeAgent } {
    const client = this.registry.addClient(fields)
    const agent = new FakeAgent(client.record.id)
    this.registry.joined(client, agent)
    return { client, agent }
  }

  /** Open, of a client of its own where none is given. */
  async addTunnel(
    fields: Omit<NewTunnel, 'clientId'>,
    { client, agent }: { client: LiveClient; agent: FakeAgent } = this.addClient(),
  ): Promise<TestTunnel> {
    const address = { host: OWN_HOST, port: freePort() }
    const tunnel = this.registry.addTunnel(client, { ...address, ...fields })
    await this.tunnels.sync()
    return { ...address, tunnel, client, agent }
  }

  /** The next session to end that has these fields. @param since how many had ended before */
  async nextEnd(fields: Partial<TunnelEnd>, since: number = this.journal.ends.length): Promise<TunnelEnd> {
    const wanted = Object.entries(fields)
    for (let nth = since; ; nth += 1) {
      const end = new Map(Object.entries(await this.journal.end({ nth })))
      if (wanted.every(([key, value]) => end.get(key) === value)) return Object.fromEntries(end) as never
    }
  }

  /** As `nextEnd`, for a visitor who is reset, maybe before they know that they were connected. */
  async refused({ host, port }: Address, fields: Partial<TunnelEnd>, from?: string): Promise<TunnelEnd> {
    const ended = this.nextEnd(fields)
    const socket = connect({ host, port, ...(from !== undefined && { localAddress: from }) })
    const error = await new Promise((resolve) => socket.on('error', resolve).on('close', resolve))
    if (!(error instanceof Error)) throw new Error('the visitor was not reset')
    return ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.program.hurry()
    await this.program.stop()
    this.registry.close()
    rmSync(this.#data, { recursive: true })
  }
}

/** A target on loopback for the time of a test. */
export const openTarget = async (
  onSocket: (socket: Socket) => void,
): Promise<Address & Disposable & { text: string }> => {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { address: host, port } = server.address() as AddressInfo
  const dispose = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { host, port, text: `${host}:${port}`, [Symbol.dispose]: dispose }
}

export const echo = (socket: Socket): void => void socket.pipe(socket)

/** Sends for as long as anybody takes it. */
export const pour = (socket: Socket): void => {
  const block = Buffer.alloc(64 * 1024)
  const more = (): void => {
    while (socket.write(block));
  }
  socket.on('drain', more)
  more()
}
