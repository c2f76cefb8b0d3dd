import type { SourceSample } from '@sluice/metrics'
import { codeOf, type Log } from '@sluice/service'
import { SourceError } from './source-error.ts'

export interface StatusOptions {
  /** `file`, `panel`, or `usage` for what is posted to the panel. */
  readonly source: string
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Wall clock. @default Date.now */
  readonly now?: () => number
}

/** Counts how a source fares, and tells a change for the worse or the better once, however long it lasts. */
export class SourceStatus {
  refused = 0
  readonly #options: StatusOptions
  #ok = 0
  #failed = 0
  #okAt: number | undefined = undefined
  /** What is wrong now, as it was told. */
  #wrong: string | undefined = undefined

  constructor(options: StatusOptions) {
    this.#options = options
  }

  get sample(): SourceSample {
    const { refused } = this
    return { source: this.#options.source, ok: this.#ok, failed: this.#failed, okAt: this.#okAt, refused }
  }

  get isFailing(): boolean {
    return this.#wrong !== undefined
  }

  ok(): void {
    const { source, log, now = Date.now } = this.#options
    this.#ok += 1
    this.#okAt = now()
    if (this.#wrong === undefined) return
    this.#wrong = undefined
    log.info({ source }, 'source.recovered')
  }

  /** What there was before stays; `extra` is told besides. */
  failed(error: unknown, extra: Readonly<Record<string, unknown>> = {}): void {
    const { source, log } = this.#options
    this.#failed += 1
    const code = codeIn(error)
    const reason = error instanceof SourceError ? error.message : undefined
    if (this.#wrong === `${code} ${reason}`) return
    this.#wrong = `${code} ${reason}`
    // What is not ours may quote anything in its message, so only what is nobody's fault comes with its stack.
    const known = error instanceof SourceError || code !== 'INTERNAL'
    log.warn({ source, code, reason, ...extra, ...(!known && { err: error }) }, 'source.failed')
  }
}

const codeIn = (error: unknown): string => {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : codeOf(error)
}
