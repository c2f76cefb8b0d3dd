import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AppCommand,
  type BaseConfig,
  baseSchema,
  ConfigError,
  type ConfigSchema,
  loadConfig,
  manualText,
} from '@sluice/service'
import { z } from 'zod'
import { RecordStore } from '../store/record-store.ts'
import { buildPlan } from './build-plan.ts'
import { type CarriedOut, carryOut, type Made } from './carry-out.ts'
import { readImportFiles } from './import-files.ts'
import type { Plan } from './plan.ts'

export interface ImportIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  /** Of the program, whose file of settings this shares. */
  readonly schema: z.ZodObject
}

type ImportConfig = Pick<BaseConfig, 'config' | 'data' | 'help'> & { dryRun: boolean }

const { config, data, help } = baseSchema().shape
const importSchema: ConfigSchema<ImportConfig> = z.object({
  config,
  data,
  dryRun: z
    .boolean()
    .default(false)
    .meta({ description: 'say what would be made, and make nothing', from: ['flag'] }),
  help,
})

/** `nps-server import DIR|FILE`: takes over what nps and its forks keep in files. */
export const importCommand = ({ env, stdout, stderr, schema }: ImportIo): AppCommand => ({
  about: 'Takes over clients, tunnels and hosts, and what passed them, from the files of nps.',
  usage: 'DIR|FILE [flags]',
  flags: importSchema,
  operand: 'file',
  run: async (argv) => {
    const { config: flags, positionals } = loadConfig(importSchema, { argv, env, shares: schema })
    if (flags.help) {
      stdout.write(manual())
      return 0
    }
    const [path, ...more] = positionals
    if (path === undefined || more.length > 0)
      throw new ConfigError('USAGE', 'import: wanted one folder or file')
    const plan = await buildPlan(await readImportFiles(path))
    const { made, errors } = await carriedOut(plan, flags)
    if (errors.length > 0) {
      stderr.write(
        lines([...errors.map((error) => `nps-server: ${error}`), 'nps-server: nothing was changed']),
      )
      return 1
    }
    stdout.write(lines([...told(made, flags.dryRun), ...plan.notes, ...suggestion(plan)]))
    return 0
  },
})

/** With mistakes in the files, and those that only the store finds. */
const carriedOut = async (plan: Plan, { data: folder, dryRun }: ImportConfig): Promise<CarriedOut> => {
  if (plan.errors.length > 0 && !dryRun) return { made: [], errors: plan.errors }
  using place = placeOf(folder, dryRun)
  const store = RecordStore.open(join(place.folder, 'tunnels.db'))
  try {
    const { made, errors } = await carryOut(store, plan, dryRun)
    return { made, errors: [...plan.errors, ...errors] }
  } finally {
    store.close()
  }
}

/** A trial leaves no new store behind. */
const placeOf = (folder: string, isTrial: boolean): { readonly folder: string } & Disposable => {
  if (isTrial && !existsSync(join(folder, 'tunnels.db'))) {
    const temporary = mkdtempSync(join(tmpdir(), 'sluice-import-'))
    return { folder: temporary, [Symbol.dispose]: () => rmSync(temporary, { recursive: true }) }
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return { folder, [Symbol.dispose]: () => {} }
}

const told = (made: readonly Made[], isTrial: boolean): string[] => {
  const number = (kind: string): string => {
    const many = made.filter((each) => each.kind === kind).length
    return `${many} ${kind}${many === 1 ? '' : 's'}`
  }
  const each = made.map(({ kind, label, id }) => `${label} becomes ${kind} ${id}`)
  const sum = `${number('client')}, ${number('tunnel')}, ${number('host')}`
  return [...each, isTrial ? `${sum} would be made; nothing was changed` : `${sum} made`]
}

const suggestion = ({ flags }: Plan): string[] =>
  flags.length === 0 ? [] : ['For the settings of nps.conf, start with:', `nps-server ${flags.join(' ')}`]

const lines = (all: readonly string[]): string => all.map((line) => `${oneLine(line)}\n`).join('')

const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')

const manual = (): string =>
  manualText({
    head: 'nps-server import: takes over what nps has',
    synopsis: ['nps-server import DIR|FILE [flags]'],
    description: [
      'Reads clients.json, tasks.json, hosts.json, global.json, nps.conf and npc.conf of nps and its forks, of a folder or one by itself. All of it is made or, where anything is wrong, nothing, and each mistake is told. Keys and passwords are kept as hashes. Ids stay as they were where nobody else has them.',
      'It may run while the server does. What cannot be taken over is named.',
    ],
    flags: importSchema,
    examples: [
      { does: 'See what would come of it first:', line: 'nps-server import /etc/nps/conf --dry-run' },
    ],
  })
