import { isDeepStrictEqual } from 'node:util'
import type { Metrics } from '@sluice/metrics'
import type { ConfigSchema } from './config-options.ts'
import { optionsOf } from './config-options.ts'
import type { Program } from './program.ts'
import type { ProgramConfig } from './program-options.ts'

/**
 * One part of a program that follows its settings while it runs: looks at new ones, throws where it could not live with
 * them, and gives what takes them over. That must not fail, and is not called where another part has thrown; so whatever
 * it needs has to be made, or opened, before, in a way that can be forgotten.
 */
export type Prepare<Config extends ProgramConfig = ProgramConfig> = (
  config: Config,
) => (() => void) | Promise<() => void>

/** Has all parts look before any of them takes over: either all settings change or none. @throws what a part throws */
export const takeOver = async (parts: readonly Prepare[], config: ProgramConfig): Promise<void> => {
  const commits: (() => void)[] = []
  for (const prepare of parts) commits.push(await prepare(config))
  for (const commit of commits) commit()
}

/** What a reload changes, by the names of the settings. */
export interface Difference<Config> {
  /** The settings to run with from now on. */
  readonly config: Config
  readonly changed: readonly string[]
  /** These only change with a restart, and keep their values until then. */
  readonly fixed: readonly string[]
}

/** What is to be done so that a program with the settings `before` gets those in `after`. */
export const difference = <Config>(
  schema: ConfigSchema<Config>,
  before: Config,
  after: Config,
): Difference<Config> => {
  const config = { ...after }
  const changed: string[] = []
  const fixed: string[] = []
  for (const { key, flag, live } of optionsOf(schema)) {
    const name = key as keyof Config
    if (isDeepStrictEqual(before[name], after[name])) continue
    ;(live ? changed : fixed).push(flag)
    if (!live) config[name] = before[name]
  }
  return { config, changed, fixed }
}

export interface ReloaderOptions<Config extends ProgramConfig> {
  readonly app: { readonly schema: ConfigSchema<Config> }
  /** The settings that the program was started with. */
  readonly config: Config
  /** Reads them again. @throws ConfigError */
  readonly load: () => Config
  readonly program: Pick<Program, 'log' | 'reload'> & { readonly metrics: Pick<Metrics, 'reload'> }
}

/** Reads the settings again while the program runs. What is wrong with them is told in the log, and changes nothing. */
export class Reloader<Config extends ProgramConfig> {
  readonly #options: ReloaderOptions<Config>
  #config: Config
  #last: Promise<void> = Promise.resolve()

  constructor(options: ReloaderOptions<Config>) {
    this.#options = options
    this.#config = options.config
  }

  /** One after the other. Never rejects. */
  reload(): Promise<void> {
    this.#last = this.#last.then(() => this.#reload())
    return this.#last
  }

  async #reload(): Promise<void> {
    const { app, load, program } = this.#options
    try {
      const { config, changed, fixed } = difference(app.schema, this.#config, load())
      await program.reload(config)
      this.#config = config
      program.metrics.reload('ok')
      program.log.info({ changed }, 'reloaded')
      if (fixed.length > 0) program.log.warn({ settings: fixed }, 'reload.needs-restart')
    } catch (error) {
      program.metrics.reload('failed')
      program.log.error({ err: error }, 'reload.failed')
    }
  }
}
