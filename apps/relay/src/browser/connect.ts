import { systemTiming } from '../peer/timing.ts'
import type { PeerStream } from './sealed-stream.ts'
import { peerOf, WebRelay, type WebRelayOptions, type WebRelayParts } from './web-relay.ts'

export interface ConnectOptions extends WebRelayOptions {
  /** NodeID of whom to reach, in Base58. */
  readonly peer: string
}

/**
 * A stream to another peer by way of a relay, encrypted between the two.
 * @throws PeerError; of RELAY_REFUSED, `status` is one of `RELAY_STATUS`
 */
export const connect = (options: ConnectOptions): Promise<PeerStream> =>
  connectWith(options, { timing: systemTiming })

/** @internal */
export const connectWith = async (options: ConnectOptions, parts: WebRelayParts): Promise<PeerStream> => {
  const peer = peerOf(options.peer, options.identity)
  return new WebRelay(options, parts).connect(peer)
}
