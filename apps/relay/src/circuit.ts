import { type CircuitTerms, RELAY_STATUS, type RelayStatus, relayStatusName } from '@sluice/wire/relay'
import type { RelayPeer } from './relay-peer.ts'
import { RelayRefusal } from './relay-refusal.ts'

/** `accepted`: the token is used, the destination's conn on its way here; `open`: payload may flow. */
export type CircuitState = 'pending' | 'accepted' | 'open' | 'closed'

/** What has passed, source → destination and back. */
export interface CircuitCounts {
  readonly up: number
  readonly down: number
}

/** @internal What the table gives a circuit of its own. */
export interface CircuitParts {
  readonly id: Uint8Array
  readonly source: RelayPeer
  readonly destination: RelayPeer
  readonly terms: CircuitTerms
  /** ms since 1970. */
  readonly since: number
  /** Whether the time to accept is over. */
  readonly isLate: () => boolean
  /** Once, where it opens. */
  readonly onOpen: () => void
  /** Once. */
  readonly onClose: (end: CircuitEnd) => void
}

/** @internal */
export interface CircuitEnd {
  readonly from: CircuitState
  readonly status: RelayStatus
  readonly counts: CircuitCounts
}

const NOTHING: CircuitCounts = { up: 0, down: 0 }

/** One circuit, from CONNECT to its end. `T` is what the destination's side hands to that of the source: its conn. */
export class Circuit<T = unknown> {
  /** The id as 32 hex digits. */
  readonly key: string
  readonly #parts: CircuitParts
  readonly #accepted = Promise.withResolvers<T>()
  readonly #abort = new AbortController()
  #state: CircuitState = 'pending'
  #status: RelayStatus | undefined = undefined

  /** @internal */
  constructor(parts: CircuitParts) {
    this.#parts = parts
    this.key = Buffer.from(parts.id).toString('hex')
    // Whoever has left does not ask.
    this.#accepted.promise.catch(() => undefined)
  }

  get id(): Uint8Array {
    return this.#parts.id
  }

  get source(): RelayPeer {
    return this.#parts.source
  }

  get destination(): RelayPeer {
    return this.#parts.destination
  }

  /** As both ends were told; limits that change later do not change them. */
  get terms(): CircuitTerms {
    return this.#parts.terms
  }

  /** ms since 1970. */
  get since(): number {
    return this.#parts.since
  }

  get state(): CircuitState {
    return this.#state
  }

  /** Why it ended, or is about to; undefined while it goes on. */
  get status(): RelayStatus | undefined {
    return this.#status
  }

  /** What `open` is given. @throws RelayRefusal where the circuit ends before that: TIMEOUT, REJECTED, CONNECTION_FAILED, … */
  get accepted(): Promise<T> {
    return this.#accepted.promise
  }

  /** Aborted by `cut`: both conns have to be reset with `status`, then `close` called. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** @internal The token counts no more. @returns false where it did not */
  claim(): boolean {
    if (this.#state !== 'pending' || this.#parts.isLate()) return false
    this.#state = 'accepted'
    return true
  }

  /** The destination's conn is here. @returns false where the circuit has ended meanwhile */
  open(hand: T): boolean {
    if (this.#state !== 'accepted' || this.#parts.isLate()) return false
    this.#state = 'open'
    this.#parts.onOpen()
    this.#accepted.resolve(hand)
    return true
  }

  /** Ends it for a reason of the relay's: at once where it is not open, otherwise by `signal`. The first reason stays. */
  cut(status: RelayStatus): void {
    if (this.#state !== 'open') return void this.close(status)
    if (this.#status !== undefined) return
    this.#status = status
    this.#abort.abort()
  }

  /**
   * It is over: everything that it had is given back, once, and the peers' control conns are told.
   * @param status why; a reason for which it was cut goes before
   * @param reason for the source of a circuit that did not open
   * @returns false where it was over
   */
  close(status: RelayStatus, counts: CircuitCounts = NOTHING, reason = ''): boolean {
    if (this.#state === 'closed') return false
    const from = this.#state
    this.#state = 'closed'
    this.#status ??= status
    this.#parts.onClose({ from, status: this.#status, counts })
    this.#accepted.reject(refusalOf(this.#status, reason))
    return true
  }
}

const refusalOf = (status: RelayStatus, reason: string): RelayRefusal => {
  const name = relayStatusName(status)
  const known = name in RELAY_STATUS ? (name as keyof typeof RELAY_STATUS) : 'CONNECTION_FAILED'
  return new RelayRefusal(known, { reason })
}
