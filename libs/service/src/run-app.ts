import { type Loaded, loadConfig } from './config.ts'
import { ConfigError } from './config-error.ts'
import type { ConfigSchema } from './config-options.ts'
import { helpText, printConfig } from './config-text.ts'
import type { Program, ProgramConfig } from './program.ts'

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
/** Errors of a start that are the operator's to mend; the rest is ours and shows its stack. */
const START_CODES = /^(STORE_|E[A-Z]+$)/

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
    const command = app.commands[word]
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
  const program = await app.serve(config)
  for (const warning of loaded.warnings) program.log.warn({ warning }, 'config.doubtful')
  return untilStopped(program, () => loadConfig(app.schema, { argv, env: process.env }).config as Config)
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

/** SIGTERM and SIGINT drain, a second one ends the drain, SIGHUP reloads. */
const untilStopped = (program: Program, load: () => ProgramConfig): Promise<number> =>
  new Promise((resolve) => {
    let stopping = false
    const stop = (code: number): void => {
      if (stopping) return program.hurry()
      stopping = true
      void program.stop().then(() => resolve(code))
    }
    process.on('SIGTERM', () => stop(0)).on('SIGINT', () => stop(0))
    process.on('SIGHUP', () => {
      try {
        program.reload(load())
      } catch (error) {
        program.log.error({ err: error }, 'reload.failed')
      }
    })
    const crash = (error: unknown): void => {
      program.crashed(error)
      program.hurry()
      stop(EXIT_FAILED)
    }
    process.on('uncaughtException', crash).on('unhandledRejection', crash)
  })

/** One line on stderr for what the operator can mend. */
const explain = (app: string, error: unknown): number => {
  if (error instanceof ConfigError) {
    process.stderr.write(`${app}: ${error.message}\n`)
    return EXIT_USAGE
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const text = error instanceof Error ? (START_CODES.test(code) ? error.message : error.stack) : String(error)
  process.stderr.write(`${app}: ${text}\n`)
  return code === 'STORE_SCHEMA_NEWER' || code === 'STORE_URL' || code === 'STORE_FORMAT'
    ? EXIT_USAGE
    : EXIT_FAILED
}
