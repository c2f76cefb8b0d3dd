import type { App } from './app.ts'
import { commandsOf, unknownCommand } from './app-commands.ts'
import { appHelp } from './app-help.ts'
import { holdBackCollector } from './collector-threads.ts'
import { type Loaded, loadConfig } from './config.ts'
import { ConfigError } from './config-error.ts'
import type { Givens } from './config-sources.ts'
import { printConfig } from './config-text.ts'
import { FileWatch, lookOf } from './file-watch.ts'
import { withSettings } from './listen-failure.ts'
import type { Program } from './program.ts'
import type { ProgramConfig } from './program-options.ts'
import { Reloader } from './reload.ts'
import { Signals } from './signals.ts'
import { holdYoungSpace } from './young-space.ts'

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
  const commands = commandsOf(app)
  try {
    const command = Object.hasOwn(commands, word) ? commands[word] : undefined
    if (command !== undefined) return await command.run(argv.slice(1))
    return await serve(app, word === 'serve' ? argv.slice(1) : argv)
  } catch (error) {
    return explain(app.name, error)
  }
}

const serve = async <Config extends ProgramConfig>(
  app: App<Config>,
  argv: readonly string[],
): Promise<number> => {
  const load = (): Loaded<unknown> =>
    loadConfig(app.schema, { argv, env: process.env, operands: app.operands })
  const loaded = load()
  if (loaded.positionals[0] !== undefined) throw unknownCommand(loaded.positionals[0], commandsOf(app))
  const text = printed(app, loaded)
  if (text !== undefined) {
    process.stdout.write(text)
    return 0
  }
  return run(app, loaded, load)
}

const run = async <Config extends ProgramConfig>(
  app: App<Config>,
  { config: settings, warnings, given }: Loaded<unknown>,
  load: () => Loaded<unknown>,
): Promise<number> => {
  const config = settings as Config
  const file = config.watch ? config.config : undefined
  const signals = new Signals()
  const young = holdYoungSpace()
  holdBackCollector()
  let watch: Disposable | undefined
  try {
    const seen = file === undefined ? '' : await lookOf(file)
    const program = await opened(app, config, given)
    for (const warning of warnings) program.log.warn({ warning }, 'config.doubtful')
    const reloader = new Reloader({ app, config, program, load: () => load().config as Config })
    const reload = (): void => void reloader.reload()
    if (file !== undefined) watch = new FileWatch(file, { seen, onChange: reload })
    return await live(signals, program, () => {
      program.accessLog?.reopen()
      reload()
    })
  } finally {
    watch?.[Symbol.dispose]()
    young[Symbol.dispose]()
    signals[Symbol.dispose]()
  }
}

/** @throws what `app.serve` does */
const opened = async <Config extends ProgramConfig>(
  app: App<Config>,
  config: Config,
  given: Givens,
): Promise<Program> => {
  try {
    return await app.serve(config)
  } catch (error) {
    throw withSettings(error, app.schema, { config, given })
  }
}

const printed = <Config extends ProgramConfig>(
  app: App<Config>,
  loaded: Loaded<unknown>,
): string | undefined => {
  const { help, version, printConfig: settings } = loaded.config as Config
  if (help) return appHelp(app, commandsOf(app))
  if (version) return `${app.name} ${app.version}\n`
  return settings ? printConfig(app.schema, loaded) : undefined
}

/** What a program does until it is told to stop. */
const live = (signals: Signals, program: Program, reload: () => void): Promise<number> =>
  signals.run({
    stop: () => program.stop(),
    hurry: () => program.hurry(),
    crashed: (error) => program.crashed(error),
    reload,
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
