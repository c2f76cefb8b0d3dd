import { createTlsContext } from '@sluice/net'
import type { Log } from '@sluice/service'
import type { LiveHost, Registry } from '../registry.ts'
import type { Issuer } from './acme-issuer.ts'
import type { CertificateFiles } from './certificate-files.ts'

export interface AutoCertificatesOptions {
  readonly registry: Pick<Registry, 'hosts' | 'watch'>
  readonly files: CertificateFiles
  /** Undefined: nobody is asked. */
  readonly issuer: Issuer | undefined
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Wall clock, ms since 1970. */
  readonly now?: () => number
  /** 0 to less than 1. @default Math.random */
  readonly random?: () => number
}

/** What is known of a name that hosts want a certificate for. */
interface Wanted {
  /** When it is asked for, wall clock. */
  at: number
  failures: number
  problem: string | undefined
}

const MINUTE_MS = 60_000
const FIRST_RETRY_MS = 5 * MINUTE_MS
const LAST_RETRY_MS = 12 * 60 * MINUTE_MS
/** Timers know no longer ones, and clocks are set. */
const MOST_WAIT_MS = 60 * MINUTE_MS
const NOT_AGREED = 'no certificate is asked for: the server was not started with --acme-agree'

/** Asks for certificates of hosts that want one, one at a time, and again when two thirds of their life are over. */
export class AutoCertificates {
  readonly #options: AutoCertificatesOptions
  readonly #now: () => number
  readonly #random: () => number
  readonly #wanted = new Map<string, Wanted>()
  #watching: Disposable | undefined = undefined
  #timer: NodeJS.Timeout | undefined = undefined
  #isBusy = false

  constructor(options: AutoCertificatesOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#random = options.random ?? Math.random
  }

  start(): void {
    this.#watching = this.#options.registry.watch(() => this.#look())
    this.#look()
  }

  stop(): void {
    this.#watching?.[Symbol.dispose]()
    this.#watching = undefined
    clearTimeout(this.#timer)
  }

  /** Sees which names are wanted, and does what is due. */
  #look(): void {
    if (this.#watching === undefined) return
    const names = new Set(this.#hosts().map(({ record }) => record.host))
    for (const name of this.#wanted.keys()) if (!names.has(name)) this.#wanted.delete(name)
    for (const name of names) {
      if (!this.#wanted.has(name)) this.#wanted.set(name, this.#fresh(name))
    }
    this.#tell()
    this.#plan()
  }

  #hosts(): LiveHost[] {
    return [...this.#options.registry.hosts.values()].filter(
      ({ record }) => record.autoCert && record.enabled,
    )
  }

  #fresh(name: string): Wanted {
    const problem = this.#options.issuer === undefined ? NOT_AGREED : undefined
    return { at: this.#renewalOf(name) ?? 0, failures: 0, problem }
  }

  /** Somewhat early, so that not all come at once. */
  #renewalOf(name: string): number | undefined {
    const life = this.#options.files.lifeOf(name)
    if (life === undefined) return undefined
    const { from, to } = life
    return from + ((to - from) * 2) / 3 - ((to - from) / 30) * this.#random()
  }

  #tell(): void {
    for (const host of this.#options.registry.hosts.values()) {
      host.problem = host.record.autoCert ? this.#wanted.get(host.record.host)?.problem : undefined
    }
  }

  #plan(): void {
    clearTimeout(this.#timer)
    if (this.#isBusy || this.#options.issuer === undefined || this.#watching === undefined) return
    const [name, wanted] = [...this.#wanted].toSorted(([, a], [, b]) => a.at - b.at)[0] ?? []
    if (name === undefined || wanted === undefined) return
    const waitMs = wanted.at - this.#now()
    if (waitMs <= 0) void this.#ask(name, wanted, this.#options.issuer)
    else this.#timer = setTimeout(() => this.#plan(), Math.min(waitMs, MOST_WAIT_MS))
  }

  /** Never rejects. */
  async #ask(name: string, wanted: Wanted, issuer: Issuer): Promise<void> {
    const { files, log } = this.#options
    this.#isBusy = true
    try {
      const issued = await issuer.issue(name)
      // What is of no use must not replace what is.
      createTlsContext({ cert: issued.chain, key: issued.key })
      files.put(name, issued)
      const renewal = this.#renewalOf(name)
      if (renewal === undefined) throw new Error('what came is no certificate')
      Object.assign(wanted, {
        at: Math.max(renewal, this.#now() + MINUTE_MS),
        failures: 0,
        problem: undefined,
      })
      log.info({ host: name, renewed: new Date(wanted.at).toISOString() }, 'certificate.issued')
    } catch (error) {
      this.#failed(wanted, error)
      log.warn({ host: name, why: wanted.problem }, 'certificate.refused')
    }
    this.#isBusy = false
    this.#look()
  }

  #failed(wanted: Wanted, error: unknown): void {
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** wanted.failures, LAST_RETRY_MS) * (1 + this.#random() / 5)
    wanted.failures++
    wanted.at = this.#now() + waitMs
    const next = new Date(wanted.at).toISOString().slice(0, 16)
    wanted.problem = `no certificate: ${plain(error)}; next try ${next}Z`
  }
}

/** One line, whatever they have said. */
const plain = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\p{Cc}+/gu, ' ').slice(0, 300)
