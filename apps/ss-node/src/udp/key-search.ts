import { type Limit, TokenBucket } from '@sluice/ratelimit'
import type { SsDatagram } from '@sluice/wire/shadowsocks'
import { FailureGuard } from '../failure-guard.ts'
import type { SlicedSearch } from '../sliced-search.ts'
import type { SsMetrics } from '../ss-metrics.ts'
import type { SsUser } from '../ss-user.ts'
import type { UseOrder } from '../use-order.ts'
import { wideNetwork } from '../wide-network.ts'
import { type Malformed, opened } from './opened.ts'

/** Keys that strangers may have tried in vain, all of them together: anybody can write any address on a datagram. */
const TRIALS: Limit = { rate: 20_000, burst: 40_000 }
/** … and those of one wide network, which leaves the other half to all others. */
const NETWORK_TRIALS: Limit = { rate: 10_000, burst: 20_000 }
/** Datagrams of all ports that wait for a search to end. */
const MOST_WAITING = 1024
const MOST_WAITING_BYTES = 2 * 1024 * 1024

/** A datagram of which nobody knows whose it is. */
export interface Unknown {
  readonly bytes: Uint8Array
  readonly ip: string
  /** Whose key was tried already. */
  readonly tried: SsUser | undefined
  /** @returns whether the datagram is new, and cost nothing therefore */
  readonly found: (user: SsUser, datagram: SsDatagram | Malformed) => boolean
  /** It is nobody's, or there is no leave to find out. */
  readonly missed: () => void
}

export interface KeySearchOptions {
  readonly search: SlicedSearch
  readonly guard: FailureGuard
  readonly counted: Pick<SsMetrics, 'findTook'>
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
}

/**
 * Whose key opens a datagram, where a port has many: at once whoever came from its address last; all others by leave of the
 * failures of its address and of all addresses together, and in turns.
 */
export class KeySearch {
  readonly #search: SlicedSearch
  readonly #guard: FailureGuard
  readonly #counted: KeySearchOptions['counted']
  readonly #now: () => number
  readonly #neighbours: FailureGuard
  readonly #bucket: TokenBucket
  #waiting = 0
  #waitingBytes = 0

  constructor({ search, guard, counted, now = () => performance.now() }: KeySearchOptions) {
    this.#search = search
    this.#guard = guard
    this.#counted = counted
    this.#now = now
    this.#neighbours = new FailureGuard(now, NETWORK_TRIALS, wideNetwork)
    this.#bucket = new TokenBucket(TRIALS, now(), 1)
  }

  /** Datagrams that wait. */
  get waiting(): number {
    return this.#waiting
  }

  /** Takes a place for a datagram that is to wait; `leave` gives it back. */
  mayWait({ length }: Uint8Array): boolean {
    if (this.#waiting >= MOST_WAITING || this.#waitingBytes + length > MOST_WAITING_BYTES) return false
    this.#waiting += 1
    this.#waitingBytes += length
    return true
  }

  leave({ length }: Uint8Array): void {
    this.#waiting -= 1
    this.#waitingBytes -= length
  }

  /** @returns how to give it up, where it is not over at once */
  start(order: UseOrder, unknown: Unknown): (() => void) | undefined {
    const { ip, tried } = unknown
    const here = order.at(ip)
    const [last] = here
    if (last !== undefined && last !== tried && this.#matches(unknown, last, 0)) return undefined
    const trials = order.size
    if (!this.#take(ip, trials)) {
      unknown.missed()
      return undefined
    }
    for (const user of here.slice(1))
      if (user !== tried && this.#matches(unknown, user, trials)) return undefined
    return this.#searchAll(order, unknown, trials)
  }

  #matches(unknown: Unknown, user: SsUser, trials: number): boolean {
    const datagram = user.isValid ? opened(user.key, unknown.bytes) : undefined
    if (datagram === undefined) return false
    this.#found(unknown, user, datagram, trials)
    return true
  }

  #searchAll(order: UseOrder, unknown: Unknown, trials: number): (() => void) | undefined {
    if (!this.mayWait(unknown.bytes)) {
      unknown.missed()
      return undefined
    }
    let datagram: SsDatagram | Malformed | undefined
    const opens = (user: SsUser): boolean => {
      datagram = user.isValid ? opened(user.key, unknown.bytes) : undefined
      return datagram !== undefined
    }
    const begun = this.#now()
    const searching = this.#search.start(order.all(), opens, unknown.ip)
    const settle = async (): Promise<void> => {
      const user = await searching.found
      this.leave(unknown.bytes)
      this.#counted.findTook(this.#now() - begun, user !== undefined)
      if (!user?.isValid) unknown.missed()
      else this.#found(unknown, user, datagram!, trials)
    }
    void settle()
    return () => searching.abandon()
  }

  #found(unknown: Unknown, user: SsUser, datagram: SsDatagram | Malformed, trials: number): void {
    if (!unknown.found(user, datagram) || trials === 0) return
    this.#guard.giveBack(unknown.ip, trials)
    this.#neighbours.giveBack(unknown.ip, trials)
    this.#bucket.take(-this.#priced(trials), this.#now())
  }

  #take(ip: string, trials: number): boolean {
    if (!this.#guard.take(ip, trials)) return false
    const isNear = this.#neighbours.take(ip, trials)
    if (isNear && this.#bucket.tryTake(this.#priced(trials), this.#now())) return true
    if (isNear) this.#neighbours.giveBack(ip, trials)
    this.#guard.giveBack(ip, trials)
    return false
  }

  /** More than it holds would never go. */
  #priced(trials: number): number {
    return Math.min(trials, TRIALS.burst)
  }
}
