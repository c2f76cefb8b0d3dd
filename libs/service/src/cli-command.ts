import { isUserName } from '@sluice/userstore'
import type { UserStore } from '@sluice/userstore'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'
import { helpText } from './config-text.ts'
import { flag, loadConfig } from './config.ts'
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
  /** The words after `user`, such as `add NAME`. */
  usage: string
  about: string
  /** Gives what is to be printed. Throws ConfigError, StoreError. */
  run(argv: readonly string[], io: UserCommandIo): Promise<string>
}

const commonFlags = { json: flag('print one JSON value and nothing else'), help: flag('print this') }
type CommonFlags = typeof commonFlags

/** A command that has `flags`, and those of all commands. */
export function command<F extends z.core.$ZodLooseShape>(
  words: { usage: string; about: string },
  flags: F,
  act: (call: Call, config: z.output<z.ZodObject<F & CommonFlags>>) => Promise<CommandResult>,
): UserCommand {
  return {
    ...words,
    async run(argv, io): Promise<string> {
      const schema: z.ZodObject<F & CommonFlags> = z.object({ ...flags, ...commonFlags })
      const input = { argv, env: io.env, shares: io.schema, ...(io.readFile && { readFile: io.readFile }) }
      const { config, given, positionals } = loadConfig(schema, input)
      if (given.get('help')?.value === true) return help(schema, words, io)
      const name = nameOf(words.usage, positionals)
      const store = await io.openStore(where(given, io))
      try {
        const { json, lines } = await act({ name, given, store, io }, config)
        return given.get('json')?.value === true ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`
      } finally {
        await store.close()
      }
    },
  }
}
