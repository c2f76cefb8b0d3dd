import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, loadConfig, Program } from '@sluice/service'
import { Journal } from '@sluice/service/testing'
import type { Agent } from '../../agent.ts'
import { type NpsServerConfig, schema } from '../../config.ts'
import { LiveRegistry } from '../../live-registry.ts'
import type { NewClient, NewTunnel } from '../../records.ts'
import type { LiveClient, LiveTunnel } from '../../registry.ts'
import { npcHash } from '../../secret-hash.ts'
import { RecordStore } from '../../store/record-store.ts'

type Started = Pick<Stage, 'program' | 'config' | 'journal'>

/** A program on a data folder of its own. */
export const startProgram = async (argv: readonly string[]): Promise<Started> => {
  const data = mkdtempSync(join(tmpdir(), 'npc-'))
  const given = ['--data', data, '--ops', '127.0.0.1:0', ...argv]
  const { config } = loadConfig(schema, { argv: given, env: {} })
  const journal = new Journal()
  const log = createLog({ level: 'info', sink: journal })
  const program = await Program.start({ app: 'test', version: '0', config, log, env: {} })
  return { program, config, journal }
}

/** A program on a data folder of its own, with the records and nothing that listens. */
export class Stage implements AsyncDisposable {
  readonly program: Program
  readonly config: NpsServerConfig
  readonly store: RecordStore
  readonly registry: LiveRegistry
  readonly journal: Journal

  static async open(...argv: string[]): Promise<Stage> {
    return new Stage(await startProgram(argv))
  }

  protected constructor({ program, config, journal }: Started) {
    this.program = program
    this.config = config
    this.journal = journal
    this.store = RecordStore.open(join(config.data, 'tunnels.db'))
    const { directory, log } = program
    this.registry = new LiveRegistry({ store: this.store, directory, log })
    this.registry.start()
  }

  addClient(vkey: string, fields: NewClient = {}): LiveClient {
    const { id } = this.store.addClient({ vkeyHash: npcHash(vkey), ...fields })
    this.registry.follow()
    return this.registry.clients.get(id)!
  }

  addTunnel(client: LiveClient, fields: Omit<NewTunnel, 'clientId'>): LiveTunnel {
    const { id } = this.store.addTunnel({ clientId: client.record.id, ...fields })
    this.registry.follow()
    return this.registry.tunnels.get(id)!
  }

  /** What the log says of the programs of one client, in order. */
  told({ record }: LiveClient): string[] {
    return this.lines('agent.')
      .filter(({ client }) => client === record.id)
      .map(({ msg }) => String(msg))
  }

  /** Lines whose message begins so. */
  lines(msg: string): Record<string, unknown>[] {
    const all = this.journal.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    return all.filter((line) => String(line['msg']).startsWith(msg))
  }

  agentOf(client: LiveClient): Agent | undefined {
    return client.agents.pick('primary')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.program.hurry()
    await this.program.stop()
    await this.registry.stop()
    this.store.close()
    rmSync(this.config.data, { recursive: true })
  }
}
