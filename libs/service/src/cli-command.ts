import { isUserName } from '@sluice/userstore'
import type { UserStore } from '@sluice/userstore'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'
import { helpText } from './config-text.ts'
import { baseSchema, flag, loadConfig } from './config.ts'
import type { Givens } from './config-sources.ts'

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
   * Lines that the user pastes into a client. `password` is the user's, or a placeholder; `argv` are the flags of
   * the server that stood on the command line (`--http proxy.example.org:8889`).
   */
  link(name: string, password: string, argv: readonly string[]): readonly string[]
  readFile?: (path: string) => string
  /** Wall clock, ms since 1970. */
  now?: () => number
}

/** What a command found or did: for programs, and for people. */
export interface CommandResult {
  json: unknown
  lines: readonly string[]
}

/** One call of a command. */
export interface Call {
  /** Empty where none was given and none is needed. */
  name: string
  /** The flags as they were written. */
  given: Givens
  store: UserStore
  io: UserCommandIo
}

export interface UserCommand {
  words: string
  about: string
  /** Gives what is to be printed. Throws ConfigError, StoreError. */
  run(argv: readonly string[], io: UserCommandIo): Promise<string>
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
  json: flag('print one JSON value and nothing else'),
  help: flag('print this'),
}

/** A command that has `flags`, and those of all commands. `words` are what follows `user`, such as `add NAME`. */
export function command<F extends z.core.$ZodLooseShape>(
  words: string,
  about: string,
  flags: F,
  act: (call: Call, config: z.output<z.ZodObject<F & CommonFlags>>) => Promise<CommandResult>,
): UserCommand {
  const schema: z.ZodObject<F & CommonFlags> = z.object({ ...flags, ...commonFlags })
  const run = async (argv: readonly string[], io: UserCommandIo): Promise<string> => {
    const input = { argv, env: io.env, shares: io.schema, ...(io.readFile && { readFile: io.readFile }) }
    const { config: settings, given, positionals } = loadConfig(schema, input)
    const isGiven = (key: string): boolean => given.get(key)?.value === true
    if (isGiven('help')) return helpText(schema, `Usage: ${io.app} user ${words} [flags]\n${about}`)
    const name = nameOf(words, positionals)
    const open = await io.openStore(placeOf(given))
    try {
      const { json, lines } = await act({ name, given, store: open, io }, settings)
      return `${isGiven('json') ? JSON.stringify(json) : lines.join('\n')}\n`
    } finally {
      await open.close()
    }
  }
  return { words, about, run }
}

function nameOf(words: string, positionals: readonly string[]): string {
  const [name = '', ...more] = positionals
  const most = words.includes('NAME') ? 1 : 0
  const least = words.endsWith(' NAME') ? 1 : 0
  if (positionals.length < least) throw new ConfigError('USAGE', `user ${words}: the name is missing`)
  if (positionals.length > most) {
    throw new ConfigError('USAGE', `user ${words}: ${JSON.stringify(more[0] ?? name)} is one word too many`)
  }
  if (name === '' ? positionals.length === 0 : isUserName(name)) return name
  const wanted = 'a name of 1 to 255 bytes without colon, blank or control character'
  throw new ConfigError('USAGE', `user ${words}: ${JSON.stringify(name.slice(0, 80))} is not ${wanted}`)
}

const placeOf = (given: Givens): { data: string; store: string | undefined } =>
  z.object(placeFlags).parse({ data: given.get('data')?.value, store: given.get('store')?.value })
