import { setTimeout as delay } from 'node:timers/promises'
import { type Conn, connectTls, createDial, type Dial, NetError, type NetErrorCode } from '@sluice/net'
import type { Log } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import type { ServerAccess } from './server-access.ts'

/** All attempts of one client together. */
const TRY_MS = 5000
const FIRST_PAUSE_MS = 100
/** For what may be better in a moment. */
const TRIED_AGAIN = new Set<NetErrorCode>([
  'DIAL_REFUSED',
  'DIAL_TIMEOUT',
  'DIAL_UNREACHABLE_HOST',
  'DIAL_UNREACHABLE_NETWORK',
  'DIAL_NAME_FAILED',
  'DIAL_FAILED',
])

export interface ServerLinkOptions {
  readonly access: ServerAccess
  readonly log: Pick<Log, 'info' | 'warn'>
  /** For all attempts of one client together. @default 5,000 */
  readonly tryMs?: number
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
  /** @default a timer */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** The way to the server, which every client goes anew; knows whether the server is there. */
export class ServerLink {
  readonly access: ServerAccess
  readonly #log: Pick<Log, 'info' | 'warn'>
  readonly #now: () => number
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  readonly #tryMs: number
  readonly #dial: Dial
  #isAway = false

  constructor({ access, log, tryMs = TRY_MS, now, sleep }: ServerLinkOptions) {
    this.access = access
    this.#log = log
    this.#tryMs = tryMs
    // A user's own server may stand anywhere, this machine included.
    this.#dial = createDial({ policy: { check: () => {} }, deadlineMs: tryMs })
    this.#now = now ?? ((): number => performance.now())
    this.#sleep = sleep ?? ((ms, signal): Promise<void> => delay(ms, undefined, { signal }))
  }

  /**
   * A conn to the server, over TLS where it is to be. Where the server is away it is tried again, ever less often, for
   * 5 s in all.
   * @throws NetError DIAL_*, TLS_FAILED; the signal's reason
   */
  async open(signal: AbortSignal): Promise<Conn> {
    const until = this.#now() + this.#tryMs
    for (let pause = FIRST_PAUSE_MS; ; pause *= 2) {
      try {
        const conn = await this.#attempt(signal)
        this.#came()
        return conn
      } catch (error) {
        signal.throwIfAborted()
        this.#went(error)
        const isOver = this.#now() + pause >= until
        if (isOver || !(error instanceof NetError && TRIED_AGAIN.has(error.code))) throw error
      }
      await this.#rest(pause, signal)
    }
  }

  async #attempt(signal: AbortSignal): Promise<Conn> {
    const { server, tls } = this.access
    const conn = await this.#dial(server, signal)
    if (tls === undefined) return conn
    const late = new NetError('DIAL_TIMEOUT', `${formatAddress(server)}: no TLS handshake in time`)
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(late), this.#tryMs)
    try {
      await connectTls(conn, tls, AbortSignal.any([signal, abort.signal]))
      return conn
    } finally {
      clearTimeout(timer)
    }
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#sleep(ms, signal)
    } finally {
      // A timer has an error of its own for it.
      signal.throwIfAborted()
    }
  }

  #went(error: unknown): void {
    if (this.#isAway) return
    this.#isAway = true
    this.#log.warn(
      { server: formatAddress(this.access.server), why: String(Object(error).message) },
      'server.away',
    )
  }

  #came(): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#log.info({ server: formatAddress(this.access.server) }, 'server.back')
  }
}
