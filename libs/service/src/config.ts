import { readFileSync } from 'node:fs'
import type { Address } from '@sluice/wire'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'
import { optionsOf } from './config-options.ts'
import type { ConfigSchema, Option } from './config-options.ts'
import {
  doubtfulEnvironment,
  isTooLong,
  readEnvironment,
  readFile,
  readFlags,
  readOperands,
} from './config-sources.ts'
import type { Given, Givens, Operands } from './config-sources.ts'
import { address, cidrs, duration, text } from './config-types.ts'
import { LOG_LEVELS } from './log.ts'
import type { LogLevel } from './log.ts'

/** What every program can be told. */
export interface BaseConfig {
  config: string | undefined
  data: string
  store: string | undefined
  ops: Address | undefined
  logLevel: LogLevel
  graceMs: number
  allow: string[]
  open: boolean
  watch: boolean
  printConfig: boolean
  help: boolean
  version: boolean
}

/** The schema that a program extends; `ops` is where its ops endpoint listens unless told, undefined for none. */
export function baseSchema({ ops }: { ops?: string } = {}): ConfigSchema<BaseConfig> {
  return z.object({
    config: text.optional().meta({
      description: 'file with these settings, YAML or JSON; its keys are the flags without dashes',
      placeholder: 'FILE',
      group: 'storage',
      from: ['flag', 'env'],
    }),
    data: text
      .prefault('./data')
      .meta({ description: 'folder of users and usage', placeholder: 'DIR', group: 'storage' }),
    store: text.optional().meta({
      description:
        'where users and usage are kept, sqlite:PATH or json:PATH; sluice.db in the data folder by default',
      placeholder: 'URL',
      group: 'storage',
    }),
    ops: (ops === undefined ? address.optional() : address.prefault(ops)).meta({
      description:
        'where /healthz, /readyz, /metrics and, on loopback, /v1/users are served, to anyone who can connect',
      group: 'operation',
    }),
    logLevel: z
      .enum(LOG_LEVELS)
      .default('info')
      .meta({ description: 'least level of the log lines', live: true, group: 'operation' }),
    graceMs: duration.prefault('30').meta({
      description: 'how long sessions may go on after SIGTERM',
      flag: 'grace',
      live: true,
      group: 'operation',
    }),
    allow: cidrs.prefault([]).meta({
      description: 'targets that the address policy lets through as well',
      live: true,
      group: 'access',
    }),
    open: z
      .boolean()
      .default(false)
      .meta({ description: 'admit anyone beyond loopback where there is no user', group: 'access' }),
    watch: z.boolean().default(true).meta({
      description: 'take over changes of the file of --config while running, as SIGHUP does',
      group: 'operation',
    }),
    printConfig: flag('print the settings as a file, and where each came from', 'information'),
    help: flag('print this', 'information'),
    version: flag('print the version', 'information'),
  })
}

/** A boolean that only the command line can set. */
export const flag = (description: string, group?: string): z.ZodType<boolean> =>
  z
    .boolean()
    .default(false)
    .meta({ description, from: ['flag'], ...(group !== undefined && { group }) })

export interface ConfigInput {
  /** Without node and script, and without the words that chose the command. */
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  readFile?: (path: string) => string
  /** Settings that need no flag; they count as if they had one. @default none */
  operands?: Operands | undefined
  /** The file may hold the keys of this schema too: a subcommand shares the file of its program. */
  shares?: z.ZodObject
}

export interface Loaded<T> {
  config: T
  /** What is neither a flag nor an operand, in order. */
  positionals: string[]
  /** By key, what was given: the value as it was written, and where (`--http`, `SLUICE_HTTP`, `sluice.yaml: http`). */
  given: Givens
  /** For the log: environment variables that look like ours with a slip. */
  warnings: string[]
}

/**
 * Settings from flags, else environment, else file, else defaults, as they stand in the schema.
 * @throws ConfigError that names every value that is wrong
 */
export function loadConfig<S extends z.ZodObject>(schema: S, input: ConfigInput): Loaded<z.output<S>> {
  const options = optionsOf(schema)
  const { given: flags, positionals: words } = readFlags(input.argv, options)
  const { given: placed, positionals } = readOperands(words, input.operands, flags)
  const environment = readEnvironment(input.env, options)
  const file = fileOf(flags.get('config') ?? environment.get('config'), input, options)
  const given: Givens = new Map([...file, ...environment, ...placed, ...flags])
  return {
    config: check(schema, options, given),
    positionals,
    given,
    warnings: doubtfulEnvironment(input.env, options),
  }
}

function fileOf(config: Given | undefined, input: ConfigInput, options: readonly Option[]): Givens {
  if (config === undefined) return new Map()
  const path = String(config.value)
  const read = input.readFile ?? ((name: string) => readFileSync(name, 'utf8'))
  let contents: string
  try {
    contents = read(path)
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed'
    throw new ConfigError('CONFIG_INVALID', `${config.where}: cannot read ${path} (${reason})`, { cause })
  }
  return readFile(path, contents, options, input.shares ? optionsOf(input.shares) : [])
}

function check<S extends z.ZodObject>(schema: S, options: readonly Option[], given: Givens): z.output<S> {
  const tooLong = [...given.values()].find(({ value }) => isTooLong(value))
  if (tooLong) throw new ConfigError('CONFIG_INVALID', `${tooLong.where}: longer than 64 KiB`)
  const result = schema.safeParse(Object.fromEntries([...given].map(([key, { value }]) => [key, value])))
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => {
    const option = options.find((each) => each.key === issue.path[0])
    if (option === undefined) return issue.message
    const value = given.get(option.key)
    return option.nested && value ? `${value.where}${issue.message}` : problemOf(option, value, issue)
  })
  throw new ConfigError('CONFIG_INVALID', [...new Set(problems)].join('; '))
}

function problemOf(option: Option, given: Given | undefined, issue: z.core.$ZodIssue): string {
  if (given === undefined) return `--${option.flag} is missing, wanted ${option.wanted}`
  if (issue.path.length > 1) return `${given.where}.${inside(issue)}`
  const shown = option.secret ? '***' : (JSON.stringify(given.value) ?? 'nothing').slice(0, 80)
  return `${given.where}: ${shown} is not ${option.wanted}`
}

/** Where in a value of several levels, and what is wrong there; never the value, which may be a secret. */
function inside(issue: z.core.$ZodIssue): string {
  const path = issue.path.slice(1).map(plainKey).join('.')
  if (issue.code === 'unrecognized_keys') return `${path}: unknown key ${issue.keys.map(plainKey).join(', ')}`
  return `${path}: ${issue.code === 'custom' ? 'wanted ' : ''}${issue.message}`
}

const plainKey = (key: PropertyKey): string => (/^[\w.-]{1,64}$/.test(String(key)) ? String(key) : '***')
