import type { Address } from '@sluice/wire'
import type { Conn } from './conn.ts'
import { dialCode, NetError } from './net-error.ts'
import { dialledConn, type SocketConn } from './socket-conn.ts'

export interface ConnectRaceOptions {
  readonly target: Address
  readonly localAddress: string | undefined
  readonly signal: AbortSignal
  readonly deadlineMs: number
  readonly attemptMs: number
  readonly resolve: (conn: Conn) => void
  readonly reject: (error: unknown) => void
}

/**
 * One dial from its start to its outcome: connects to one address after the other without giving up on those before,
 * which Node's `autoSelectFamily` does (a target farther away than 250 ms would only get its last address to answer).
 * The first to connect wins; once there is an outcome, nothing of the rest stays.
 */
export class ConnectRace {
  /** Called once there is an outcome. */
  onEnd: (() => void) | undefined = undefined
  readonly #options: ConnectRaceOptions
  readonly #deadline: NodeJS.Timeout
  readonly #running = new Set<Attempt>()
  readonly #errors: unknown[] = []
  #waiting: string[] = []
  #turn: NodeJS.Timeout | undefined = undefined
  #over = false

  /** The deadline starts now. */
  constructor(options: ConnectRaceOptions) {
    this.#options = options
    this.#deadline = setTimeout(this.#tooLate, options.deadlineMs)
    options.signal.addEventListener('abort', this.#aborted)
  }

  /** @param ips at least one, the best first */
  run(ips: string[]): void {
    if (this.#over) return
    this.#waiting = ips
    this.#next()
  }

  fail(cause: unknown): void {
    this.refuse(cause instanceof NetError ? cause : this.#failure([cause]))
  }

  /** Ends it with this very error. */
  refuse(error: unknown): void {
    if (this.#over) return
    this.#end()
    this.#options.reject(error)
  }

  /** @internal */
  won(attempt: Attempt): void {
    this.#running.delete(attempt)
    this.#end()
    this.#options.resolve(attempt.conn)
  }

  /** @internal */
  lost(attempt: Attempt, error: unknown): void {
    this.#running.delete(attempt)
    this.#errors.push(error)
    if (this.#waiting.length > 0) this.#next()
    else if (this.#running.size === 0) this.fail(this.#failure(this.#errors))
  }

  readonly #next = (): void => {
    clearTimeout(this.#turn)
    const ip = this.#waiting.shift()!
    const { target, localAddress } = this.#options
    this.#running.add(new Attempt(this, dialledConn(ip, target.port, localAddress)))
    if (this.#waiting.length > 0) this.#turn = setTimeout(this.#next, this.#options.attemptMs)
  }

  readonly #tooLate = (): void => {
    const { host, port } = this.#options.target
    this.fail(new NetError('DIAL_TIMEOUT', `${host}:${port} did not answer in time`))
  }

  readonly #aborted = (): void => {
    this.#end()
    this.#options.reject(this.#options.signal.reason)
  }

  #failure(causes: readonly unknown[]): NetError {
    const { host, port } = this.#options.target
    const why = causes.map((cause) => (cause instanceof Error ? cause.message : String(cause)))
    const cause = causes.length === 1 ? causes[0] : new AggregateError(causes)
    return new NetError(dialCode(causes), `${host}:${port}: ${why.join('; ')}`, { cause })
  }

  #end(): void {
    this.#over = true
    this.onEnd?.()
    clearTimeout(this.#deadline)
    clearTimeout(this.#turn)
    this.#options.signal.removeEventListener('abort', this.#aborted)
    for (const attempt of this.#running) attempt.cancel()
  }
}

/** One address being connected to. */
class Attempt {
  readonly conn: SocketConn
  readonly #race: ConnectRace

  constructor(race: ConnectRace, conn: SocketConn) {
    this.#race = race
    this.conn = conn
    this.conn.socket.on('connect', this.#connected).on('error', this.#failed)
  }

  /** Nothing more is heard of it, be it an error that is on its way. */
  cancel(): void {
    this.#letGo()
    this.conn.destroy()
  }

  readonly #connected = (): void => {
    this.#letGo()
    this.#race.won(this)
  }

  readonly #failed = (error: unknown): void => {
    this.#letGo()
    this.#race.lost(this, error)
  }

  #letGo(): void {
    this.conn.socket.off('connect', this.#connected).off('error', this.#failed)
  }
}
