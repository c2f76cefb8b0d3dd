import { type Loaded, loadConfig } from './config.ts'
import { ConfigError } from './config-error.ts'
import type { ConfigSchema } from './config-options.ts'
import { helpText, printConfig } from './config-text.ts'
import type { Program, ProgramConfig } from './program.ts'
import { Signals } from './signals.ts'

/** One program as its command line sees it. */
export interface App<Config extends ProgramConfig> {
  readonly name: string
  readonly version: string
  /** The head of `--help`: one line what it is, then how it is called. */
  readonly intro: string
  readonly schema: ConfigSchema<Config>
  /** Opens store and listeners. Its log is up by the time it returns. */
  serve(config: Config): Promise<Program>
  /** By their first word; each gives the exit code. `serve` needs not be among them. */
  readonly commands: Readonly<Record<string, (argv: readonly string[]) => Promise<number>>>
}

/** Bad usage or configuration. */
const EXIT_USAGE = 2
const EXIT_FAILED = 1
/** Errors of a start that are the operator's to mend: the store's, the system's. */
const START_CODES = /^(STORE_|E[A-Z]+$)/
/** Those among them that come from the configuration, as in `user …`. */
const USAGE_CODES = new Set(['STORE_URL', 'STORE_OPEN', 'STORE_FORMAT', 'STORE_SCHEMA_NEWER'])

/**
 * Runs the program as `argv` (without node and script) says, until it has stopped.
 * @returns its exit code
 */
export const runApp = async <Config extends ProgramConfig>(
  app: App<Config>,
  argv: readonly string[],
): Promise<number> => {
  const [word = ''] = argv
  try {
    const command = Object.hasOwn(app.commands, word) ? app.commands[word] : undefined
    if (command !== undefined) return await command(argv.slice(1))
    return await serve(app, word === 'serve' ? argv.slice(1) : argv)
  } catch (error) {
    return explain(app.name, error)
  }
}

const serve = async <Config extends ProgramConfig>(
  app: App<Config>,
  argv: readonly string[],
): Promise<number> => {
  const loaded = loadConfig(app.schema, { argv, env: process.env })
  const config = loaded.config as Config
  if (loaded.positionals[0] !== undefined) {
    const commands = ['serve', ...Object.keys(app.commands)].join(', ')
    throw new ConfigError('USAGE', `${loaded.positionals[0]}: unknown command, wanted one of ${commands}`)
  }
  const text = printed(app, loaded)
  if (text !== undefined) {
    process.stdout.write(text)
    return 0
  }
  const signals = new Signals()
  try {
    const program = await app.serve(config)
    for (const warning of loaded.warnings) program.log.warn({ warning }, 'config.doubtful')
    return await live(
      signals,
      program,
      () => loadConfig(app.schema, { argv, env: process.env }).config as Config,
    )
  } finally {
    signals[Symbol.dispose]()
  }
}

const printed = <Config extends ProgramConfig>(
  app: App<Config>,
  loaded: Loaded<unknown>,
): string | undefined => {
  const { help, version, printConfig: settings } = loaded.config as Config
  if (help) return helpText(app.schema, app.intro)
  if (version) return `${app.name} ${app.version}\n`
  return settings ? printConfig(app.schema, loaded) : undefined
}

/** What a program does until it is told to stop. */
const live = (signals: Signals, program: Program, load: () => ProgramConfig): Promise<number> =>
  signals.run({
    stop: () => program.stop(),
    hurry: () => program.hurry(),
    crashed: (error) => program.crashed(error),
    reload: () => {
      try {
        program.reload(load())
      } catch (error) {
        program.log.error({ err: error }, 'reload.failed')
      }
    },
  })

/** One line on stderr for what the operator can mend; for what is ours to mend, the stack. */
const explain = (app: string, error: unknown): number => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const isTheirs = error instanceof ConfigError || START_CODES.test(code)
  process.stderr.write(`${app}: ${isTheirs ? oneLine(error) : stackOf(error)}\n`)
  return error instanceof ConfigError || USAGE_CODES.has(code) ? EXIT_USAGE : EXIT_FAILED
}

const oneLine = (error: unknown): string => String(Object(error).message).replaceAll(/\s+/g, ' ')

const stackOf = (error: unknown): string => (error instanceof Error && error.stack) || String(error)
