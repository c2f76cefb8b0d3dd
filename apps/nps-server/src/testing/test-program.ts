import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, loadConfig, Program, storeUrl } from '@sluice/service'
import { Journal, storedUser, type TestUser } from '@sluice/service/testing'
import { openStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { TunnelClient, type TunnelClientOptions } from '../client/index.ts'
import { schema } from '../config.ts'
import { DOORS, openDoor, type OpenDoor } from '../door.ts'
import type { ClientInput } from '../manager-inputs.ts'
import type { LiveClient } from '../registry.ts'

const quiet = createLog({ level: 'error', sink: { write: () => {} } })

/** The whole program in this process, on a data folder of its own, and client programs of it. */
export class TestProgram implements AsyncDisposable {
  readonly program: Program
  readonly door: OpenDoor
  readonly ops: Address
  readonly journal: Journal
  readonly data: string
  readonly #clients: TunnelClient[] = []

  static async open(users: readonly TestUser[] = [], ...argv: string[]): Promise<TestProgram> {
    const data = mkdtempSync(join(tmpdir(), 'nps-server-'))
    const loopback = ['--data', data, '--bridge', '127.0.0.1:0', '--ops', '127.0.0.1:0']
    const { config } = loadConfig(schema, { argv: [...loopback, ...argv], env: {} })
    const store = await openStore(storeUrl(config))
    for (const user of users) await store.add(await storedUser(user))
    await store.close()
    const journal = new Journal()
    const log = createLog({ level: config.logLevel, sink: journal })
    const program = await Program.start({ app: 'test', version: '0', config, log, doors: DOORS, env: {} })
    try {
      const door = await openDoor(program, config)
      const ops = (await program.ready())!
      return new TestProgram({ program, door, ops, journal, data })
    } catch (error) {
      await program.stop()
      throw error
    }
  }

  private constructor(parts: Pick<TestProgram, 'program' | 'door' | 'ops' | 'journal' | 'data'>) {
    this.program = parts.program
    this.door = parts.door
    this.ops = parts.ops
    this.journal = parts.journal
    this.data = parts.data
  }

  /** A new client, with a program of its own that is connected. */
  async addClient(
    input: ClientInput = {},
    options: Partial<TunnelClientOptions> = {},
  ): Promise<{ client: LiveClient; remote: TunnelClient }> {
    const { client: record, enroll } = await this.door.manager.addClient(input, 'test')
    const up = Promise.withResolvers<void>()
    const events = { up: () => up.resolve() }
    const remote = new TunnelClient({ enrolment: enroll!, log: quiet, events, ...options })
    this.#clients.push(remote)
    remote.start()
    await Promise.race([up.promise, remote.ended])
    return { client: this.door.registry.clients.get(record.id)!, remote }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.hurry()
    this.program.hurry()
    await Promise.all(this.#clients.map((client) => client.stop()))
    await this.program.stop()
    rmSync(this.data, { recursive: true })
  }
}
