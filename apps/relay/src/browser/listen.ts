import { formatNodeId, type Incoming, nodeIdOf, RELAY_STATUS, type RelayAddress } from '@sluice/wire/relay'
import type { Control, Held } from '../peer/control.ts'
import { Keeper } from '../peer/keeper.ts'
import type { LoggedIn } from '../peer/login.ts'
import { systemTiming } from '../peer/timing.ts'
import type { PeerStream } from './sealed-stream.ts'
import { WebRelay, type WebRelayOptions, type WebRelayParts } from './web-relay.ts'

export interface ListenOptions extends WebRelayOptions {
  /** A peer has come. */
  readonly onStream: (stream: PeerStream) => void
  /** Whether a peer may come; `peer` is its NodeID in Base58. @default everybody may */
  readonly allow?: ((peer: string) => boolean) | undefined
  /** The reservation stands: first, again, or for longer. */
  readonly onHeld?: ((held: Held) => void) | undefined
  /** It does not any more, and is tried for again after `retryMs`. */
  readonly onLost?: ((error: Error, retryMs: number) => void) | undefined
  /** A peer that was allowed to come did not arrive. */
  readonly onFailed?: ((error: Error, peer: string) => void) | undefined
  /** Wanted life of a reservation in seconds. @default as the relay likes */
  readonly ttl?: number | undefined
}

export interface Listening {
  /** The NodeID for others to `connect` to, in Base58. */
  readonly id: string
  /** None while the reservation is lost. */
  readonly held: Held | undefined
  /** Resolves after `close`; rejects with why it is no use to go on. */
  readonly ended: Promise<void>
  /** Gives the reservation up; streams go on. */
  close(): void
}

/**
 * Reserves a place at a relay and keeps it: refreshed in time, and got back after a loss. Resolves once it is held.
 * @throws PeerError with which it could not be had at all
 */
export const listen = (options: ListenOptions): Promise<Listening> =>
  listenWith(options, { timing: systemTiming })

/** @internal */
export const listenWith = async (options: ListenOptions, parts: WebRelayParts): Promise<Listening> => {
  const relay = new WebRelay(options, parts)
  const first = Promise.withResolvers<void>()
  // A circuit has to be taken at the relay that offers it.
  const places = new WeakMap<LoggedIn, RelayAddress>()
  const open = async (address: string) => {
    const at = relay.addressOf(address)
    const { socket, loggedIn } = await relay.session(at)
    places.set(loggedIn, at)
    return { port: socket, loggedIn }
  }
  const events = {
    incoming: (offer: Incoming, control: Control): void => {
      const peer = formatNodeId(offer.source)
      const { allow, onStream, onFailed } = options
      if (allow !== undefined && !allow(peer)) control.reject(offer, RELAY_STATUS.REJECTED)
      else {
        const accepted = relay.accept(offer, places.get(control.loggedIn)!)
        void accepted.then(onStream, (error: Error) => onFailed?.(error, peer))
      }
    },
    held: (held: Held): void => {
      first.resolve()
      options.onHeld?.(held)
    },
    lost: (error: Error, retryMs: number): void => options.onLost?.(error, retryMs),
  }
  const keeper = new Keeper({ open, events, timing: parts.timing, ttl: options.ttl })
  await Promise.race([first.promise, keeper.ended])
  return {
    id: formatNodeId(nodeIdOf(options.identity.publicKey)),
    ended: keeper.ended,
    close: () => keeper.stop(),
    get held() {
      return keeper.held
    },
  }
}
