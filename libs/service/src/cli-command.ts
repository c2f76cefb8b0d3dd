import { isUserName } from '@sluice/userstore'
import type { User, UserStore } from '@sluice/userstore'
import { z } from 'zod'
import type { CommandOutline } from './app.ts'
import { FILES } from './app-help.ts'
import { ConfigError } from './config-error.ts'
import { baseSchema, flag, loadConfig } from './config.ts'
import type { Givens } from './config-sources.ts'
import { manualText } from './help-text.ts'
import type { Example, Row } from './help-text.ts'

/** What a program lends to its `user` commands. */
export interface UserCommandIo {
  /** The program's name, such as `remote-proxy`. */
  app: string
  /** The program's own settings: its `--data` and `--store` count, and it may share its file. */
  schema: z.ZodObject
  env: Readonly<Record<string, string | undefined>>
  stdin: AsyncIterable<Uint8Array | string>
  stdout: { write(text: string): unknown }
  stderr: { write(text: string): unknown }
  openStore(config: { data: string; store: string | undefined }): Promise<UserStore>
  /**
   * What the user pastes into a client. `password` is the user's, or a placeholder; `argv` are the flags of the server
   * that stood on the command line (`--http proxy.example.org:8889`), and `linkFlags` among them. What a protocol needs in
   * clear stands in the credentials of `user`. May throw ConfigError.
   */
  link(name: string, password: string, argv: readonly string[], user: User): UserLink
  /** What `link` takes beside the flags of the server, and how its help differs. */
  linkOptions?: Partial<Pick<CommandHead, 'more' | 'examples'>> & { flags: z.core.$ZodLooseShape }
  readFile?: (path: string) => string
  /** Wall clock, ms since 1970. */
  now?: () => number
}

/** What `user link` prints: to people the lines, to programs the rest, beside name and password. */
export interface UserLink {
  /** By their scheme. */
  readonly urls: Readonly<Record<string, string>>
  /** Whatever else the door has to say. */
  readonly json?: Readonly<Record<string, unknown>>
  readonly lines: readonly string[]
}

/** What a command found or did: for programs, and for people. */
export interface CommandResult {
  json: unknown
  lines: readonly string[]
  /** Which of the two is wanted without `--json`, and the line break of `csv` (RFC 4180). @default 'text' */
  format?: 'text' | 'json' | 'csv'
  /** 1 where some of what was asked for was not done, and the result says what. @default 0 */
  exit?: 0 | 1
}

/** What is printed, and the exit code. */
export interface CommandOutput {
  text: string
  exit: 0 | 1
}

/** One call of a command. */
export interface Call {
  /** NAME or FILE; empty where none was given and none is needed. */
  operand: string
  /** The flags as they were written. */
  given: Givens
  store: UserStore
  io: UserCommandIo
}

export interface UserCommand extends CommandOutline {
  /** What follows `user`, such as `add NAME`. */
  words: string
  /** Throws ConfigError, StoreError. */
  run(argv: readonly string[], io: UserCommandIo): Promise<CommandOutput>
}

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

const EXITS: readonly Row[] = [
  ['0', 'done'],
  ['1', 'not done, or not all of it; stderr or the report says what'],
  ['2', 'bad usage, settings or store: one line on stderr says what and where'],
]

/** What a command is, beside its flags and what it does. */
export interface CommandHead {
  /** What follows `user`, such as `add NAME`. */
  words: string
  /** One sentence. */
  about: string
  /** More paragraphs for its help. */
  more?: readonly string[]
  /** Each with what follows `user`. */
  examples: readonly Example[]
}

/** A command that has `flags`, and those of all commands. */
export function command<F extends z.core.$ZodLooseShape>(
  head: CommandHead,
  flags: F,
  act: (call: Call, config: z.output<z.ZodObject<F & CommonFlags>>) => Promise<CommandResult>,
): UserCommand {
  const { words, about } = head
  const schema: z.ZodObject<F & CommonFlags> = z.object({ ...flags, ...commonFlags })
  const run = async (argv: readonly string[], io: UserCommandIo): Promise<CommandOutput> => {
    const input = { argv, env: io.env, shares: io.schema, ...(io.readFile && { readFile: io.readFile }) }
    const { config: settings, given, positionals } = loadConfig(schema, input)
    const isGiven = (key: string): boolean => given.get(key)?.value === true
    if (isGiven('help')) return { text: helpOf(head, schema, io), exit: 0 }
    const operand = operandOf(words, positionals)
    const open = await io.openStore(placeOf(given))
    try {
      const result = await act({ operand, given, store: open, io }, settings)
      return { text: printed(result, isGiven('json')), exit: result.exit ?? 0 }
    } finally {
      await open.close()
    }
  }
  return { words, about, flags: schema, ...(words.endsWith('FILE') && { operand: 'file' }), run }
}

function printed({ json, lines, format = 'text' }: CommandResult, asJson: boolean): string {
  if (asJson || format === 'json') return `${JSON.stringify(json)}\n`
  const lineBreak = format === 'csv' ? '\r\n' : '\n'
  return lines.map((line) => line + lineBreak).join('')
}

function helpOf(
  { words, about, more, examples }: CommandHead,
  flags: z.ZodObject,
  io: UserCommandIo,
): string {
  const called = `${io.app} user`
  return manualText({
    head: `${called} ${words.split(' ', 1)[0]}: ${about}`,
    synopsis: [`${called} ${words} [flags]`],
    ...(more && { description: more }),
    flags,
    examples: examples.map(({ does, line }) => ({ does, line: `${called} ${line}` })),
    sections: { files: FILES, 'exit status': EXITS },
  })
}

function operandOf(words: string, positionals: readonly string[]): string {
  const [, kind = '', more = ''] = /(NAME|FILE)(\])?$/.exec(words) ?? []
  const [operand = '', extra] = positionals
  if (positionals.length === 0 && kind !== '' && more === '') {
    throw new ConfigError('USAGE', `user ${words}: the ${kind.toLowerCase()} is missing`)
  }
  const tooMany = kind === '' ? positionals[0] : extra
  if (tooMany !== undefined) {
    throw new ConfigError('USAGE', `user ${words}: ${JSON.stringify(tooMany)} is one word too many`)
  }
  if (kind !== 'NAME' || positionals.length === 0 || isUserName(operand)) return operand
  const wanted = 'a name of 1 to 255 bytes without colon, blank or control character'
  throw new ConfigError('USAGE', `user ${words}: ${JSON.stringify(operand.slice(0, 80))} is not ${wanted}`)
}

const placeOf = (given: Givens): { data: string; store: string | undefined } =>
  z.object(placeFlags).parse({ data: given.get('data')?.value, store: given.get('store')?.value })
