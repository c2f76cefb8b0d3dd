import { setImmediate as turn } from 'node:timers/promises'
import {
  type CircuitClosed,
  formatNodeId,
  type Incoming,
  type Notice,
  type RelayAddress,
  RELAY_STATUS,
  relayReason,
} from '@sluice/wire/relay'
import type { Control, Held } from '../peer/control.ts'
import { Keeper, type Session } from '../peer/keeper.ts'
import type { LoggedIn } from '../peer/login.ts'
import { PeerError } from '../peer/peer-error.ts'
import type { Timing } from '../peer/timing.ts'
import type { PeerCircuit, RelayLink } from './relay-link.ts'

/** What becomes of a circuit that was wanted: one of the two, once. */
export interface Taker {
  take(circuit: PeerCircuit): void
  /** It did not come about. */
  drop(error: Error): void
}

export interface ListenerEvents {
  /** The reservation at this relay stands: first, again, or for longer. */
  held?(relay: string, held: Held): void
  /** It does not any more, and is tried for again after `retryMs`. */
  lost?(relay: string, error: Error, retryMs: number): void
  /** It is no use to try again there. */
  gaveUp?(relay: string, error: Error): void
  /** What the relay says of a circuit that is over. */
  closed?(relay: string, circuit: CircuitClosed): void
  /** The relay has something for the log. */
  notice?(relay: string, notice: Notice): void
  /** Somebody wanted a circuit, and was told no. */
  rejected?(relay: string, peer: string, error: Error): void
}

export interface ListenerOptions extends ListenerEvents {
  /** Somebody wants a circuit; what is thrown is the reason that it is told. `peer` is its NodeID in Base58. */
  readonly onOffer: (peer: string) => Taker | Promise<Taker>
  /** Wanted life of a reservation in seconds. @default as the relay likes */
  readonly ttl?: number | undefined
  readonly timing: Timing
}

/** Offers that are being answered; a relay that makes them up has no more of our connections than that. */
const MAX_PENDING = 256

/** Holds a reservation at each of some relays, and takes what circuits they offer. */
export class PeerListener {
  /** Resolves once the first reservation stands; rejects where none can be had. */
  readonly ready: Promise<void>
  /** Resolves after `stop`; rejects with why it is no use to go on at any of the relays. */
  readonly ended: Promise<void>
  readonly #options: ListenerOptions
  readonly #keepers = new Map<RelayLink, Keeper>()
  readonly #places = new WeakMap<LoggedIn, RelayAddress>()
  readonly #abort = new AbortController()
  #pending = 0

  constructor(links: readonly RelayLink[], options: ListenerOptions) {
    this.#options = options
    const first = Promise.withResolvers<void>()
    const all = links.map((link) => this.#keep(link, first.resolve))
    this.ended = allEnded(all)
    this.ready = Promise.race([first.promise, this.ended])
    this.ready.catch(() => {})
  }

  /** The reservations that stand, by the relay's URL. */
  get held(): ReadonlyMap<string, Held> {
    const held = new Map<string, Held>()
    for (const [link, keeper] of this.#keepers) if (keeper.held !== undefined) held.set(link.url, keeper.held)
    return held
  }

  /** Gives the reservations up; circuits that run go on. */
  stop(): void {
    for (const keeper of this.#keepers.values()) keeper.stop()
    this.#abort.abort(new PeerError('PEER_CLOSED', 'this side has closed it'))
  }

  async #keep(link: RelayLink, onHeld: () => void): Promise<void> {
    const options = this.#options
    const { timing, ttl } = options
    const keeper = new Keeper({
      ...{ timing, ttl },
      open: (address) => this.#open(link, address),
      events: {
        incoming: (offer, control) => void this.#answer(link, offer, control),
        held: (granted) => {
          onHeld()
          options.held?.(link.url, granted)
        },
        closed: (circuit) => options.closed?.(link.url, circuit),
        notice: (notice) => options.notice?.(link.url, notice),
        lost: (error, retryMs) => options.lost?.(link.url, error, retryMs),
      },
    })
    this.#keepers.set(link, keeper)
    try {
      await keeper.ended
    } catch (error) {
      options.gaveUp?.(link.url, error as Error)
      throw error
    }
  }

  async #open(link: RelayLink, address: string): Promise<Session> {
    const at = address === '' ? undefined : link.redirected(address)
    const session = await link.session(this.#abort.signal, undefined, at)
    this.#places.set(session.loggedIn, session.at)
    return session
  }

  /** Never throws. */
  async #answer(link: RelayLink, offer: Incoming, control: Control): Promise<void> {
    const peer = formatNodeId(offer.source)
    if (this.#pending >= MAX_PENDING) return control.reject(offer, RELAY_STATUS.RATE_LIMITED, 'pending')
    this.#pending++
    try {
      await this.#take(link, offer, control, peer)
    } catch (error) {
      control.reject(offer, RELAY_STATUS.REJECTED, relayReason(String(Object(error).message)))
      this.#options.rejected?.(link.url, peer, error as Error)
    } finally {
      this.#pending--
    }
  }

  /** @throws why the offer is not taken */
  async #take(link: RelayLink, offer: Incoming, control: Control, peer: string): Promise<void> {
    const offered = Promise.resolve(this.#options.onOffer(peer))
    // Who is told no at once costs no connection; what takes longer, such as a dial, need not be waited for.
    await Promise.race([offered, turn()])
    const abort = new AbortController()
    const at = this.#places.get(control.loggedIn) ?? link.address
    const accepting = link.accept(offer, AbortSignal.any([abort.signal, this.#abort.signal]), at)
    // It may fail while nobody waits for it yet.
    accepting.catch(() => {})
    const taker = await offered.catch((error: unknown) => {
      abort.abort(error)
      accepting.then(({ conn }) => conn.reset(RELAY_STATUS.REJECTED)).catch(() => {})
      throw error
    })
    let circuit: PeerCircuit
    try {
      circuit = await accepting
    } catch (error) {
      taker.drop(error as Error)
      return
    }
    taker.take(circuit)
  }
}

/** Once they all have; rejects where not one of them ended well. */
const allEnded = async (all: readonly Promise<void>[]): Promise<void> => {
  const results = await Promise.allSettled(all)
  if (results.some(({ status }) => status === 'fulfilled')) return
  const [first] = results
  throw (first as PromiseRejectedResult).reason
}
