import { isLoopbackListener } from '@sluice/service'
import { randomBytes } from 'node:crypto'
import { type BufferPool, type Conn, type Dial, NetError } from '@sluice/net'
import { formatAddress, WireError } from '@sluice/wire'
import {
  type CircuitTerms,
  type Connected,
  formatNodeId,
  formatRelayUrl,
  type Incoming,
  MAX_TOKEN_BYTES,
  parseNodeId,
  parseRelayUrl,
  type RelayAddress,
  type RelayFrame,
  RELAY_STATUS,
} from '@sluice/wire/relay'
import type { NoiseRole } from '../noise/xx-handshake.ts'
import type { PeerIdentity } from '../peer/identity.ts'
import { type LoggedIn, login } from '../peer/login.ts'
import { PeerError } from '../peer/peer-error.ts'
import { acceptFrame, connectedTo, connectFrame } from '../peer/requests.ts'
import type { Timing } from '../peer/timing.ts'
import type { ConnPort } from './conn-port.ts'
import type { KnownRelays } from './known-relays.ts'
import { meet } from './meeting.ts'
import { nodeVerify } from './node-verify.ts'
import { dialRelay, isSecure } from './relay-dial.ts'
import { abortable, TimeLimit } from './time-limit.ts'

export interface RelayLinkOptions {
  readonly identity: PeerIdentity
  /** Access token, 1 to 256 octets. */
  readonly token: Uint8Array | undefined
  readonly known: KnownRelays
  readonly checksCertificate: boolean
  readonly encrypt: boolean
  readonly pool: BufferPool
  readonly timing: Timing
  readonly dial?: Dial | undefined
}

export interface LinkSession {
  readonly port: ConnPort
  readonly loggedIn: LoggedIn
  /** Where it is, which need not be where it was asked for first. */
  readonly at: RelayAddress
}

/** A circuit to another peer, proven to be that peer unless nothing is encrypted. */
export interface PeerCircuit {
  /** What the two say to each other. */
  readonly conn: Conn
  /** NodeID of the other one, in Base58. */
  readonly peer: string
  /** URL of the relay that it leads through. */
  readonly relay: string
  /** What the relay lets it use. */
  readonly terms: CircuitTerms
}

/** To dial a relay and log in; to have a circuit; to shake hands with the other peer. */
const LOGIN_MS = 10_000
const CONNECT_MS = 15_000
const MEET_MS = 10_000

/** One relay, as a peer uses it: a connection for each circuit, and one to hold a reservation. */
export class RelayLink {
  readonly address: RelayAddress
  readonly #options: RelayLinkOptions

  /** @throws PeerError RELAY_ADDRESS where the token would be there for all to read */
  constructor(address: RelayAddress, options: RelayLinkOptions) {
    const { token } = options
    if (token !== undefined && (token.length === 0 || token.length > MAX_TOKEN_BYTES)) {
      throw new PeerError('RELAY_ADDRESS', `an access token has 1 to ${MAX_TOKEN_BYTES} octets`)
    }
    checkToken(address, token)
    this.address = address
    this.#options = options
  }

  get url(): string {
    return formatRelayUrl(this.address)
  }

  /** Dials and logs in. @param first sent with it, see `login` @throws PeerError, NetError, the signal's reason */
  async session(
    signal: AbortSignal,
    first?: RelayFrame,
    at: RelayAddress = this.address,
  ): Promise<LinkSession> {
    using limit = new TimeLimit(LOGIN_MS, this.#options.timing, signal)
    const port = await dialled(at, dialRelay(at, this.#options, limit.signal))
    const loggedIn = await abortable(
      (reason) => port.close(reason),
      limit.signal,
      () => this.#login(port, at, first),
    )
    return { port, loggedIn, at }
  }

  /** A circuit to `peer`, a NodeID; where the relay says that another one has it, through that. @throws as `session` */
  async connect(peer: Uint8Array, signal: AbortSignal): Promise<PeerCircuit> {
    try {
      return await this.#connect(peer, signal, this.address)
    } catch (error) {
      const elsewhere =
        error instanceof PeerError && error.status === RELAY_STATUS.REDIRECT ? error.address : ''
      if (elsewhere === '') throw error
      return await this.#connect(peer, signal, this.redirected(elsewhere))
    }
  }

  /** The circuit that was offered by the relay there. @throws as `session` */
  async accept(offer: Incoming, signal: AbortSignal, at: RelayAddress): Promise<PeerCircuit> {
    using limit = new TimeLimit(offer.acceptWithin * 1000, this.#options.timing, signal)
    const session = await this.session(limit.signal, acceptFrame(offer), at)
    return this.#circuit(session, 'responder', offer.source, signal)
  }

  /** A relay to which this one sends its peers. @throws PeerError RELAY_ADDRESS */
  redirected(url: string): RelayAddress {
    const address = relayAddressOf(url)
    checkToken(address, this.#options.token)
    if (isSecure(address.transport) || !isSecure(this.address.transport)) return address
    throw new PeerError('RELAY_ADDRESS', `${this.url} sends its peers to ${url}, which is not secure`)
  }

  async #connect(peer: Uint8Array, signal: AbortSignal, at: RelayAddress): Promise<PeerCircuit> {
    return this.#circuit(await this.session(signal, connectFrame(peer), at), 'initiator', peer, signal)
  }

  async #circuit(
    { port, at }: LinkSession,
    role: NoiseRole,
    expected: Uint8Array,
    signal: AbortSignal,
  ): Promise<PeerCircuit> {
    const { identity, encrypt, pool, timing } = this.#options
    const stop = (reason: Error): void => port.close(reason)
    using wait = new TimeLimit(CONNECT_MS, timing, signal)
    const terms: Connected = await abortable(stop, wait.signal, () => connectedTo(port, expected))
    using limit = new TimeLimit(MEET_MS, timing, signal)
    const { reader } = port
    const fail = (reason: Error): void => reader.fail(reason)
    const conn = await abortable(fail, limit.signal, () =>
      meet(reader, { role, identity, expected, encrypt, pool }),
    )
    return { conn, peer: formatNodeId(expected), relay: formatRelayUrl(at), terms }
  }

  async #login(port: ConnPort, at: RelayAddress, first: RelayFrame | undefined): Promise<LoggedIn> {
    const { identity, token, checksCertificate, known } = this.#options
    const seen = at.relay === undefined ? known.get(at.address) : undefined
    const loggedIn = await login(port, {
      ...{ identity, token, first, verify: nodeVerify, random: randomBytes },
      relay: at.relay ?? (seen === undefined ? undefined : parseNodeId(seen)),
      mustBind: isSecure(at.transport) && !checksCertificate,
    }).catch((error: unknown) => {
      throw seen === undefined ? error : this.#changed(at, error)
    })
    if (at.relay === undefined && seen === undefined) this.#remember(at, loggedIn)
    return loggedIn
  }

  #remember({ address }: RelayAddress, { relayId }: LoggedIn): void {
    const id = formatNodeId(relayId)
    const kept = this.#options.known.add(address, id)
    if (kept === id) return
    throw new PeerError(
      'RELAY_IDENTITY',
      `${formatAddress(address)} is relay ${id}, and was relay ${kept} a moment ago`,
    )
  }

  #changed({ address }: RelayAddress, error: unknown): unknown {
    if (!(error instanceof PeerError) || error.code !== 'RELAY_IDENTITY') return error
    const { place } = this.#options.known
    const cure = place === '' ? '' : `; if that is meant, take its line out of ${place}`
    return new PeerError(
      'RELAY_IDENTITY',
      `the relay at ${formatAddress(address)} is not the one that was first seen there: ${error.message}${cure}`,
      { cause: error },
    )
  }
}

const checkToken = (at: RelayAddress, token: Uint8Array | undefined): void => {
  if (token === undefined || isSecure(at.transport) || isLoopbackListener(at.address)) return
  throw new PeerError(
    'RELAY_ADDRESS',
    `${formatRelayUrl(at)}: an access token goes over tls or wss only, where nobody on the way can read it`,
  )
}

/** @throws PeerError RELAY_ADDRESS */
export const relayAddressOf = (url: string): RelayAddress => wellFormed(() => parseRelayUrl(url))

/** A NodeID from its Base58. @throws PeerError RELAY_ADDRESS */
export const nodeIdFrom = (text: string): Uint8Array => wellFormed(() => parseNodeId(text))

const wellFormed = <T>(parse: () => T): T => {
  try {
    return parse()
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new PeerError('RELAY_ADDRESS', cause.message, { cause })
  }
}

/** What went wrong on the way there is told with where that is. */
const dialled = async <T>(at: RelayAddress, opening: Promise<T>): Promise<T> => {
  try {
    return await opening
  } catch (cause) {
    if (!(cause instanceof NetError)) throw cause
    throw new PeerError('RELAY_CLOSED', `${formatRelayUrl(at)} cannot be reached: ${cause.message}`, {
      cause,
    })
  }
}
