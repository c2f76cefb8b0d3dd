import type { z } from 'zod'
import type { ConfigSchema } from './config-options.ts'
import type { Operands } from './config-sources.ts'
import type { Example } from './help-text.ts'
import type { Program } from './program.ts'
import type { ProgramConfig } from './program-options.ts'

/** A command as help and completion see it. */
export interface CommandOutline {
  /** One sentence. */
  readonly about: string
  readonly flags?: z.ZodObject
  /** What can follow it: one of these words, or a file. Left out: nothing that could be known. */
  readonly operand?: readonly string[] | 'file'
  /** By their first word. */
  readonly commands?: Readonly<Record<string, CommandOutline>>
}

/** A command of a program. It answers `--help` itself. */
export interface AppCommand extends CommandOutline {
  /** What follows its word in the synopsis, such as `COMMAND [flags]`. */
  readonly usage: string
  /** Gives the exit code. Throws what the program explains, such as a ConfigError. */
  run(argv: readonly string[]): Promise<number>
}

/** One program as its command line sees it. */
export interface App<Config extends ProgramConfig> {
  readonly name: string
  readonly version: string
  /** One line: what it is. */
  readonly intro: string
  /** Paragraphs of its help. */
  readonly description?: readonly string[]
  readonly examples?: readonly Example[]
  readonly schema: ConfigSchema<Config>
  /** Settings that are words without a flag. @default none */
  readonly operands?: Operands
  /** Opens store and listeners. Its log is up by the time it returns. */
  serve(config: Config): Promise<Program>
  /** By their first word. `serve`, `help` and `completion` need not be among them. */
  readonly commands: Readonly<Record<string, AppCommand>>
}
