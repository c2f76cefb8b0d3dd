import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, Program, storeUrl } from '@sluice/service'
import { Journal, storedUser, TestClient, type TestUser } from '@sluice/service/testing'
import { openStore } from '@sluice/userstore'
import type { NewHost } from '../../records.ts'
import type { LiveClient, LiveHost } from '../../registry.ts'
import { FakeAgent } from '../../testing/fake-agent.ts'
import { FakeRegistry } from '../../testing/fake-registry.ts'
import { configOf } from '../../testing/test-tunnels.ts'
import { type Hosts, openHosts } from '../hosts.ts'

/** A client with one program that is connected. */
export interface TestAgent {
  readonly client: LiveClient
  readonly agent: FakeAgent
}

/** The listeners for visitors of a program in this process, with records and client programs of the test. */
export class TestHosts implements AsyncDisposable {
  readonly program: Program
  readonly registry: FakeRegistry
  readonly hosts: Hosts
  readonly journal: Journal
  readonly #data: string
  readonly #clients: TestClient[] = []

  static async open(users: readonly TestUser[] = [], ...argv: string[]): Promise<TestHosts> {
    const data = mkdtempSync(join(tmpdir(), 'nps-hosts-'))
    const config = configOf('--data', data, '--http', '127.0.0.1:0', ...argv)
    const store = await openStore(storeUrl(config))
    for (const user of users) await store.add(await storedUser(user))
    await store.close()
    const journal = new Journal()
    const log = createLog({ level: 'debug', sink: journal })
    const doors = ['http', 'https']
    const program = await Program.start({ app: 'test', version: '0', config, log, doors, env: {} })
    const registry = new FakeRegistry(program.directory)
    try {
      const hosts = await openHosts({ program, config, registry })
      return new TestHosts({ program, registry, hosts, journal }, data)
    } catch (error) {
      await program.stop()
      registry.close()
      rmSync(data, { recursive: true })
      throw error
    }
  }

  private constructor(parts: Pick<TestHosts, 'program' | 'registry' | 'hosts' | 'journal'>, data: string) {
    this.program = parts.program
    this.registry = parts.registry
    this.hosts = parts.hosts
    this.journal = parts.journal
    this.#data = data
  }

  get port(): number {
    return this.hosts.http!.address.port
  }

  get securePort(): number {
    return this.hosts.https!.address.port
  }

  addClient(fields: Parameters<FakeRegistry['addClient']>[0] = {}): TestAgent {
    const client = this.registry.addClient(fields)
    const agent = new FakeAgent(client.record.id)
    this.registry.joined(client, agent)
    return { client, agent }
  }

  /** Of a client of its own where none is given. */
  addHost(
    fields: Omit<NewHost, 'clientId'>,
    { client, agent }: TestAgent = this.addClient(),
  ): TestAgent & { live: LiveHost } {
    return { live: this.registry.addHost(client, fields), client, agent }
  }

  /** How the session of a visitor ended, or will. */
  end({ port, since }: TestClient): ReturnType<Journal['end']> {
    return this.journal.end({ port, since })
  }

  /** A visitor over plain HTTP that has said `text`. */
  async visitor(text: string, half = false): Promise<TestClient> {
    const visitor = await TestClient.connect(this.hosts.http!.address, { half })
    this.#clients.push(visitor)
    visitor.send(Buffer.from(text, 'latin1'))
    return visitor
  }

  /** Lines of the log with this message. */
  lines(msg: string): Record<string, unknown>[] {
    const all = this.journal.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    return all.filter((line) => line['msg'] === msg)
  }

  /** For another test: nothing is there any more, and nobody. */
  async reset(): Promise<void> {
    for (const visitor of this.#clients.splice(0)) visitor.close()
    for (const { record } of this.registry.clients.values()) this.registry.clients.delete(record.id)
    this.registry.hosts.clear()
    this.registry.tell()
    this.program.sessions.cutAll('SHUTDOWN')
    await this.program.sessions.drained()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const visitor of this.#clients) visitor.close()
    this.program.hurry()
    await this.program.stop()
    this.registry.close()
    rmSync(this.#data, { recursive: true })
  }
}

/** What came behind its first `skip` bytes, once `sign` is within. */
export const heard = async (client: TestClient, sign: string, skip = 0): Promise<string> => {
  for (;;) {
    const text = client.received.toString('latin1').slice(skip)
    if (text.includes(sign)) return text
    if (client.over) throw new Error(`over: ${text}`)
    await client.take(client.received.length + 1).catch(() => {})
  }
}
