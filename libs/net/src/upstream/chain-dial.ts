import type { Address } from '@sluice/wire'
import type { Conn } from '../conn.ts'
import type { Dial } from '../dial.ts'
import { NetError } from '../net-error.ts'
import { Reader } from '../reader.ts'
import { connectTls } from '../start-tls.ts'
import { upstreamError } from './ask.ts'
import { askConnect } from './ask-connect.ts'
import { askSocks5 } from './ask-socks5.ts'
import type { Hop } from './upstream-url.ts'

export interface ChainDialOptions {
  /** The first is dialled, each following one through those before it; at least one. */
  readonly hops: readonly Hop[]
  /** Undefined: the last hop itself, unasked, its TLS up. */
  readonly target: Address | undefined
  /** Dials the first hop; no address policy, since the operator has named it. */
  readonly dial: Dial
  readonly ca?: string | undefined
  /** Until the last hop has been asked for the target: connected, its TLS up, signed in. */
  readonly reachMs: number
  /** For all of it. */
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

const ASK = { http: askConnect, socks5: askSocks5 } as const
const MAX_ANSWER_BYTES = 16 * 1024
/** Failures of the hops that keep their code; all others are UPSTREAM_FAILED. */
const KEPT: ReadonlySet<string> = new Set(['UPSTREAM_AUTH', 'UPSTREAM_FAILED', 'DIAL_LOCAL_LIMIT'])

/**
 * One dial through proxies.
 * @throws the signal's reason; NetError UPSTREAM_AUTH, UPSTREAM_FAILED where a hop is at fault, DIAL_LOCAL_LIMIT, else
 *   what the last hop tells of the target: DIAL_* or TARGET_DENIED
 */
export const dialChain = (options: ChainDialOptions): Promise<Conn> => new ChainDial(options).run()

class ChainDial {
  readonly #options: ChainDialOptions
  readonly #abort = new AbortController()
  #hop: Hop
  #conn: Conn | undefined = undefined
  #reader: Reader | undefined = undefined
  #reaching: NodeJS.Timeout | undefined = undefined
  #isAsked = false

  constructor(options: ChainDialOptions) {
    this.#options = options
    this.#hop = options.hops[0]!
  }

  async run(): Promise<Conn> {
    const { hops, target, signal, reachMs, deadlineMs } = this.#options
    signal.throwIfAborted()
    signal.addEventListener('abort', this.#onAbort)
    const deadline = setTimeout(this.#tooLate, deadlineMs)
    this.#reaching = setTimeout(this.#tooLate, reachMs)
    try {
      let conn = await this.#reach(hops[0]!)
      for (const [i, hop] of hops.entries()) conn = await this.#pass(conn, hop, hops[i + 1], target)
      this.#abort.signal.throwIfAborted()
      return conn
    } catch (error) {
      this.#conn?.destroy()
      throw this.#abort.signal.aborted ? this.#abort.signal.reason : error
    } finally {
      clearTimeout(deadline)
      clearTimeout(this.#reaching)
      signal.removeEventListener('abort', this.#onAbort)
    }
  }

  async #reach(hop: Hop): Promise<Conn> {
    try {
      return (this.#conn = await this.#options.dial(hop.address, this.#abort.signal))
    } catch (error) {
      throw this.#hopFailure(error)
    }
  }

  /** Leads the conn that has reached `hop` on to the next one, or to the target. */
  async #pass(conn: Conn, hop: Hop, next: Hop | undefined, target: Address | undefined): Promise<Conn> {
    this.#hop = hop
    const open = hop.isSecure ? await this.#secure(conn, hop) : conn
    const to = next?.address ?? target
    if (to === undefined) return open
    const refusal = await this.#ask(open, to, next === undefined)
    if (refusal === undefined) return open
    throw next === undefined ? refusal : upstreamError('UPSTREAM_FAILED', next, refusal.message, refusal)
  }

  async #secure(conn: Conn, { address: { host } }: Hop): Promise<Conn> {
    try {
      await connectTls(conn, { name: host, ca: this.#options.ca }, this.#abort.signal)
      return conn
    } catch (error) {
      throw this.#hopFailure(error)
    }
  }

  async #ask(conn: Conn, target: Address, isLast: boolean): Promise<NetError | undefined> {
    const hop = this.#hop
    const reader = (this.#reader = new Reader(conn, MAX_ANSWER_BYTES))
    try {
      this.#abort.signal.throwIfAborted()
      return await ASK[hop.protocol]({ reader, hop, target, onAsked: isLast ? this.#onAsked : ignore })
    } catch (error) {
      throw this.#hopFailure(error)
    } finally {
      this.#reader = undefined
      reader.release()
    }
  }

  readonly #onAsked = (): void => {
    this.#isAsked = true
    clearTimeout(this.#reaching)
  }

  readonly #onAbort = (): void => this.#stop(this.#options.signal.reason)

  readonly #tooLate = (): void => {
    const error = this.#isAsked
      ? new NetError('DIAL_TIMEOUT', `${this.#hop.label}: no answer about the target in time`)
      : upstreamError('UPSTREAM_FAILED', this.#hop, 'no answer in time')
    this.#stop(error)
  }

  #stop(reason: unknown): void {
    this.#abort.abort(reason)
    this.#reader?.fail(reason as Error)
  }

  #hopFailure(error: unknown): NetError {
    if (error instanceof NetError && KEPT.has(error.code)) return error
    return upstreamError('UPSTREAM_FAILED', this.#hop, whyOf(error), error)
  }
}

const ignore = (): void => {}

/** In the words of a dial: the reader's are of clients. */
const whyOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof NetError)) return error.message
  if (error.code === 'CLIENT_CLOSED') return 'closed before its answer was whole'
  return error.code === 'CLIENT_RESET' ? 'broke off before its answer was whole' : error.message
}
