import type { PortRange } from '@sluice/net'
import {
  type AppCommand,
  baseSchema,
  type CommandOutline,
  ConfigError,
  type Example,
  flag,
  type Givens,
  loadConfig,
  manualText,
  type Row,
} from '@sluice/service'
import { StoreError, type StoreErrorCode, type UserStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { z } from 'zod'
import type { Enrolment } from '../manager-inputs.ts'
import { Manager } from '../manager.ts'
import { RecordError } from '../store/record-error.ts'
import { recordsFile, RecordStore } from '../store/record-store.ts'
import { UserNames } from './user-names.ts'

/** What the program lends to its `client`, `tunnel`, `host` and `token` commands. */
export interface RecordCommandIo {
  readonly app: string
  /** The program's settings: `--data`, `--store`, `--bridge` and `--ports` count, and its file may be shared. */
  readonly schema: z.ZodObject
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  readonly openUsers: (place: { data: string; store: string | undefined }) => Promise<UserStore>
  /** A new key for the bridge of the server on this data folder. */
  readonly enrol: (data: string) => Enrolment
  readonly readFile?: (path: string) => string
  /** Wall clock, ms since 1970. @default Date.now */
  readonly now?: () => number
}

/** What a command found or did: for programs, and for people. */
export interface Found {
  readonly json: unknown
  readonly lines: readonly string[]
}

/** One call of a command. */
export interface Call {
  /** The id that stands behind the command; 0 where there is none. */
  readonly id: number
  /** The flags as they were written. */
  readonly given: Givens
  readonly io: RecordCommandIo
  readonly store: RecordStore
  readonly manager: Manager
  readonly users: UserNames
  readonly now: number
}

/** One of the commands of a group, such as `client add`. */
export interface Verb extends CommandOutline {
  /** What follows the group's word, such as `show ID`. */
  readonly words: string
  /** @throws ConfigError, RecordError, StoreError */
  run(argv: readonly string[], io: RecordCommandIo): Promise<string>
}

export interface VerbHead {
  /** The group, such as `client`. */
  readonly of: string
  /** What follows it, such as `show ID`. */
  readonly words: string
  /** One sentence. */
  readonly about: string
  readonly more?: readonly string[]
  /** Each with what follows the program's name. */
  readonly examples: readonly Example[]
}

/** Who is written into the audit. */
export const BY = 'cli'

interface CommonFlags {
  config: z.ZodType<string | undefined>
  data: z.ZodType<string>
  store: z.ZodType<string | undefined>
  json: z.ZodType<boolean>
  help: z.ZodType<boolean>
}
const { config, data, store } = baseSchema().shape
const placeFlags = { data, store }
const commonFlags: CommonFlags = {
  config,
  ...placeFlags,
  json: flag('print one JSON value and nothing else', 'information'),
  help: flag('print this', 'information'),
}

const FILES: readonly Row[] = [
  ['DATA/tunnels.db', 'clients, tunnels and hosts, in the folder of --data; safe to share between programs'],
  ['DATA/sluice.db', 'users'],
]
const EXITS: readonly Row[] = [
  ['0', 'done'],
  ['1', 'not done; stderr says why'],
  ['2', 'bad usage, settings or store: one line on stderr says what and where'],
]

/** A command that has `flags`, and those of all commands. */
export function verb<F extends z.core.$ZodLooseShape>(
  head: VerbHead,
  flags: F,
  act: (call: Call, settings: z.output<z.ZodObject<F & CommonFlags>>) => Promise<Found> | Found,
): Verb {
  const schema: z.ZodObject<F & CommonFlags> = z.object({ ...flags, ...commonFlags })
  const run = async (argv: readonly string[], io: RecordCommandIo): Promise<string> => {
    // Before all else: flags that have to be there are not, for who wants to know of them.
    if (argv.some((word) => word === '--help' || word === '-h')) return helpOf(head, schema, io)
    const input = { argv, env: io.env, shares: io.schema, ...(io.readFile && { readFile: io.readFile }) }
    const { config: settings, given, positionals } = loadConfig(schema, input)
    const id = idOf(head, positionals)
    const { json, lines } = await within(io, given, settings, (call) => act({ ...call, id }, settings))
    return given.get('json')?.value === true
      ? `${JSON.stringify(json)}\n`
      : lines.map((line) => `${line}\n`).join('')
  }
  return { words: head.words, about: head.about, flags: schema, run }
}

const ANY_PORT: readonly PortRange[] = [{ first: 1, last: 65_535 }]

async function within<T>(
  io: RecordCommandIo,
  given: Givens,
  settings: object,
  act: (call: Omit<Call, 'id'>) => Promise<T> | T,
): Promise<T> {
  const place = z
    .object(placeFlags)
    .parse({ data: given.get('data')?.value, store: given.get('store')?.value })
  const { bridge, ports = ANY_PORT } = settings as { bridge?: Address; ports?: readonly PortRange[] }
  const { now = Date.now } = io
  const records = RecordStore.open(recordsFile(place.data), { now })
  const users = new UserNames(() => io.openUsers(place))
  try {
    const manager = new Manager({
      store: records,
      userIdOf: (name) => users.idOf(name),
      ports: () => ports,
      enrol: () => io.enrol(place.data),
      bridge,
    })
    return await act({ given, io, store: records, manager, users, now: now() })
  } finally {
    await users.close()
    records.close()
  }
}

function helpOf(
  { of, words, about, more, examples }: VerbHead,
  flags: z.ZodObject,
  { app }: RecordCommandIo,
): string {
  return manualText({
    head: `${app} ${of} ${words.split(' ', 1)[0]}: ${about}`,
    synopsis: [`${app} ${of} ${words} [flags]`],
    ...(more && { description: more }),
    flags,
    examples: examples.map(({ does, line }) => ({ does, line: `${app} ${line}` })),
    sections: { files: FILES, 'exit status': EXITS },
  })
}

function idOf({ of, words }: VerbHead, positionals: readonly string[]): number {
  const wantsId = words.endsWith(' ID')
  const [operand, extra] = positionals
  const surplus = wantsId ? extra : operand
  if (surplus !== undefined)
    throw new ConfigError('USAGE', `${of} ${words}: ${JSON.stringify(surplus)} is one word too many`)
  if (!wantsId) return 0
  if (operand !== undefined && /^[1-9]\d{0,14}$/.test(operand)) return Number(operand)
  const got = operand === undefined ? 'the id is missing' : `${JSON.stringify(operand.slice(0, 80))} is no id`
  throw new ConfigError('USAGE', `${of} ${words}: ${got}`)
}

/** Errors of the store that whoever typed the command can mend. */
const BAD_USAGE = new Set<StoreErrorCode>([
  'USER_VALUE',
  'PASSWORD_VALUE',
  'STORE_URL',
  'STORE_OPEN',
  'STORE_FORMAT',
  'STORE_SCHEMA_NEWER',
])

const isUsage = (error: unknown): boolean =>
  error instanceof ConfigError ||
  (error instanceof RecordError && error.code === 'RECORD_VALUE') ||
  (error instanceof StoreError && BAD_USAGE.has(error.code))

/** Keys of records whose flag has another name. */
const FLAGS: Readonly<Record<string, string>> = {
  port: '--listen',
  targets: '--target',
  headers: '--header',
  localPath: '--folder',
  certFile: '--cert',
  keyFile: '--key',
  cacheBytes: '--cache',
}

/** What is wrong with a record, for who has typed flags. */
const inFlags = (message: string): string =>
  message.replaceAll(
    /(?<=^\w+: )(?:port|targets|headers)|(?:localPath|certFile|keyFile|cacheBytes)/g,
    (key) => FLAGS[key]!,
  )

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Runs a command; an error goes to stderr on one line. @returns its exit code */
export async function runVerb(chosen: Verb, argv: readonly string[], io: RecordCommandIo): Promise<number> {
  try {
    io.stdout.write(await chosen.run(argv, io))
    return 0
  } catch (error) {
    const text = error instanceof RecordError ? inFlags(error.message) : messageOf(error)
    io.stderr.write(`${io.app}: ${text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')}\n`)
    return isUsage(error) ? 2 : 1
  }
}

export type Commands = Readonly<Record<string, AppCommand>>
