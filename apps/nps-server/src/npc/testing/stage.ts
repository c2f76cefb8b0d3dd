import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  accessSchema,
  baseSchema,
  createLog,
  dnsSchema,
  loadConfig,
  Program,
  type ProgramConfig,
  sessionSchema,
  upstreamSchema,
} from '@sluice/service'
import { Journal } from '@sluice/service/testing'
import { FakeRegistry } from './fake-registry.ts'

const schema = baseSchema({ ops: '127.0.0.1:0' })
  .extend(sessionSchema.shape)
  .extend(accessSchema.shape)
  .extend(dnsSchema.shape)
  .extend(upstreamSchema.shape)

/** A program on a data folder of its own, without listeners, and records in memory. */
export interface Stage extends AsyncDisposable {
  readonly program: Program
  readonly config: ProgramConfig
  readonly registry: FakeRegistry
  readonly journal: Journal
}

export const openStage = async (...argv: string[]): Promise<Stage> => {
  const data = mkdtempSync(join(tmpdir(), 'npc-'))
  const { config } = loadConfig(schema, { argv: ['--data', data, ...argv], env: {} })
  const journal = new Journal()
  const log = createLog({ level: 'info', sink: journal })
  const program = await Program.start({ app: 'test', version: '0', config, log, env: {} })
  const registry = new FakeRegistry(program.directory)
  const dispose = async (): Promise<void> => {
    program.hurry()
    await program.stop()
    registry.close()
    rmSync(data, { recursive: true })
  }
  return { program, config, registry, journal, [Symbol.asyncDispose]: dispose }
}
