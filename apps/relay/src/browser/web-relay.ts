import { WireError } from '@sluice/wire'
import {
  type Connected,
  type Incoming,
  nodeIdOf,
  parseNodeId,
  parseRelayUrl,
  type RelayAddress,
  RELAY_STATUS,
  type RelayFrame,
} from '@sluice/wire/relay'
import { formatAddress } from '@sluice/wire'
import { encodeNoiseMessage, noiseMessageDecoder } from '../noise/noise-message.ts'
import { MAX_HANDSHAKE_MESSAGE, type Secured, securePeers } from '../noise/peer-handshake.ts'
import type { NoiseRole } from '../noise/xx-handshake.ts'
import { within } from '../peer/deadline.ts'
import type { PeerIdentity } from '../peer/identity.ts'
import { type LoggedIn, login } from '../peer/login.ts'
import { PeerError } from '../peer/peer-error.ts'
import { acceptFrame, connectedTo, connectFrame } from '../peer/requests.ts'
import type { Timing } from '../peer/timing.ts'
import { RelaySocket, SUBPROTOCOL, type WebSocketLike } from './relay-socket.ts'
import { type PeerStream, sealedStream } from './sealed-stream.ts'
import { random, webSuite, webVerify } from './web-crypto.ts'

export interface WebRelayOptions {
  /** `wss://HOST:PORT/p2p/ID`, or `ws:` on loopback; without the ID it is whichever relay answers. */
  readonly relay: string
  readonly identity: PeerIdentity
  /** Access token, where the relay wants one. */
  readonly token?: string | undefined
}

export interface WebRelayParts {
  readonly timing: Timing
  /** @default a WebSocket of the browser */
  readonly open?: ((url: string) => WebSocketLike) | undefined
}

/** To dial a relay, log in, get a circuit and shake hands with the other peer, each step within so many milliseconds. */
const STEP_MS = 15_000
const message = noiseMessageDecoder(MAX_HANDSHAKE_MESSAGE)

/** One relay, as a page reaches it: a WebSocket for each circuit, and one to hold a reservation. */
export class WebRelay {
  readonly #options: WebRelayOptions
  readonly #parts: WebRelayParts
  readonly #address: RelayAddress

  /** @throws PeerError RELAY_ADDRESS */
  constructor(options: WebRelayOptions, parts: WebRelayParts) {
    this.#options = options
    this.#parts = parts
    this.#address = addressOf(options.relay)
  }

  /** Where it is, or where it has sent this peer. @param text a relay URL; '' is its own @throws PeerError RELAY_ADDRESS */
  addressOf(text: string): RelayAddress {
    return text === '' ? this.#address : addressOf(text)
  }

  /** A circuit to `peer`, a NodeID; where another relay has it, by that one. @throws PeerError */
  async connect(peer: Uint8Array): Promise<PeerStream> {
    try {
      return await this.#connect(peer, this.#address)
    } catch (error) {
      if (!(error instanceof PeerError) || error.status !== RELAY_STATUS.REDIRECT) throw error
      // Once: two relays may send a peer to each other.
      return this.#connect(peer, addressOf(error.address))
    }
  }

  /** The circuit that was offered. @param at where @throws PeerError */
  async accept(offer: Incoming, at: RelayAddress): Promise<PeerStream> {
    const { socket } = await this.session(at, acceptFrame(offer))
    return this.#circuit(socket, 'responder', offer.source)
  }

  /** Logs in. @param first sent with it, see `login` */
  async session(
    address: RelayAddress,
    first?: RelayFrame,
  ): Promise<{ readonly socket: RelaySocket; readonly loggedIn: LoggedIn }> {
    const socket = this.#dial(address)
    const { identity } = this.#options
    const token =
      this.#options.token === undefined ? undefined : new TextEncoder().encode(this.#options.token)
    const options = { identity, verify: webVerify, random, relay: address.relay, token, first }
    return this.#step(socket, async () => {
      await socket.opened
      return { socket, loggedIn: await login(socket, options) }
    })
  }

  async #connect(peer: Uint8Array, at: RelayAddress): Promise<PeerStream> {
    const { socket } = await this.session(at, connectFrame(peer))
    return this.#circuit(socket, 'initiator', peer)
  }

  async #circuit(socket: RelaySocket, role: NoiseRole, peer: Uint8Array): Promise<PeerStream> {
    return this.#step(socket, async () => {
      const terms: Connected = await connectedTo(socket, peer)
      return sealedStream(socket, await this.#secured(socket, role, peer), terms)
    })
  }

  #secured(socket: RelaySocket, role: NoiseRole, expected: Uint8Array): Promise<Secured> {
    const { identity } = this.#options
    const port = {
      send: (bytes: Uint8Array): void => socket.write(encodeNoiseMessage(bytes)),
      receive: (): Promise<Uint8Array> => socket.take(message),
    }
    return securePeers(port, { suite: webSuite, role, identity, verify: webVerify, expected })
  }

  async #step<T>(socket: RelaySocket, run: () => Promise<T>): Promise<T> {
    try {
      return await within(socket, STEP_MS, this.#parts.timing, run)
    } catch (cause) {
      const error = cause instanceof WireError ? new PeerError('PEER_NOISE', cause.message, { cause }) : cause
      socket.reset(error as Error)
      throw error
    }
  }

  #dial({ transport, address }: RelayAddress): RelaySocket {
    const { open = webSocket, timing } = this.#parts
    return new RelaySocket(open(`${transport}://${formatAddress(address)}/`), timing)
  }
}

const webSocket = (url: string): WebSocketLike => new WebSocket(url, SUBPROTOCOL)

/** @throws PeerError RELAY_ADDRESS */
const addressOf = (text: string): RelayAddress => {
  const address = wellFormed(() => parseRelayUrl(text))
  if (address.transport === 'ws' || address.transport === 'wss') return address
  throw new PeerError(
    'RELAY_ADDRESS',
    'a page reaches relays by wss:// alone, and by ws:// on its own machine',
  )
}

/** @throws PeerError RELAY_ADDRESS */
export const peerOf = (text: string, identity: PeerIdentity): Uint8Array => {
  const id = wellFormed(() => parseNodeId(text))
  if (id.every((byte, index) => byte === nodeIdOf(identity.publicKey)[index])) {
    throw new PeerError('RELAY_ADDRESS', 'this is the peer itself')
  }
  return id
}

const wellFormed = <T>(parse: () => T): T => {
  try {
    return parse()
  } catch (cause) {
    throw new PeerError('RELAY_ADDRESS', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
