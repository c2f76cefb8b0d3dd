import { type Log, Seldom } from '@sluice/service'
import type { ControlConn } from './control-conn.ts'
import type { Place, Presence } from './presence.ts'
import type { Reservation, ReservationEvent } from './reservations.ts'

export interface PresenceClaimsOptions {
  readonly presence: Presence
  /** Where other relays send sources to: this relay's URL. */
  readonly url: () => string
  readonly log: Pick<Log, 'warn'>
}

/** A claim is repeated so often, and forgotten when it was not for three times as long. */
const HEARTBEAT_MS = 30_000
const TTL_MS = 3 * HEARTBEAT_MS
/** How long others are asked for a peer's place. */
const LOOKUP_MS = 1000

/** Tells the other relays behind the same name which peers are here, and finds out where others are. */
export class PresenceClaims {
  readonly #options: PresenceClaimsOptions
  readonly #held = new Map<string, Place>()
  readonly #seldom = new Seldom(60_000)
  readonly #beating: NodeJS.Timeout

  constructor(options: PresenceClaimsOptions) {
    this.#options = options
    this.#beating = setInterval(() => this.beat(), HEARTBEAT_MS).unref()
  }

  follow(event: ReservationEvent, { control }: Reservation<ControlConn>): void {
    const { id } = control.peer
    if (event === 'opened' || event === 'renewed') {
      const place = { relay: this.#options.url(), epoch: control.since }
      this.#held.set(id, place)
      void this.#tried(this.#options.presence.claim(id, place, TTL_MS))
      return
    }
    const place = this.#held.get(id)
    // The newer conn of the peer has claimed it already.
    if (event === 'replaced' || place === undefined) return
    this.#held.delete(id)
    void this.#tried(this.#options.presence.release(id, place))
  }

  /** Says all again, that others do not forget it. */
  beat(): void {
    for (const [id, place] of this.#held) void this.#tried(this.#options.presence.claim(id, place, TTL_MS))
  }

  /** The URL of the relay that a peer is at; undefined where nobody knows, or it is this one. Never rejects. */
  async elsewhere(peer: string): Promise<string | undefined> {
    const place = await Promise.race([this.#tried(this.#options.presence.lookup(peer)), later()])
    return place === undefined || place.relay === this.#options.url() ? undefined : place.relay
  }

  stop(): void {
    clearInterval(this.#beating)
  }

  async #tried<T>(asking: Promise<T>): Promise<T | undefined> {
    try {
      return await asking
    } catch (error) {
      if (this.#seldom.due('presence')) this.#options.log.warn({ err: error }, 'presence.failed')
      return undefined
    }
  }
}

const later = (): Promise<undefined> =>
  new Promise((resolve) => setTimeout(resolve, LOOKUP_MS, undefined).unref())
