import { BufferPool, type Dial } from '@sluice/net'
import { formatNodeId, nodeIdOf, type RelayAddress } from '@sluice/wire/relay'
import type { PeerIdentity } from '../peer/identity.ts'
import { isSame } from '../peer/identity.ts'
import { PeerError } from '../peer/peer-error.ts'
import { systemTiming, type Timing } from '../peer/timing.ts'
import { type KnownRelays, knownInMemory } from './known-relays.ts'
import { PeerDialler } from './peer-dialler.ts'
import { type ListenerEvents, PeerListener, type Taker } from './peer-listener.ts'
import { type LinkSession, nodeIdFrom, type PeerCircuit, relayAddressOf, RelayLink } from './relay-link.ts'
import { WaitLine } from './wait-line.ts'

export interface PeerOptions {
  readonly identity: PeerIdentity
  /** `tls://HOST:PORT/p2p/ID`; also tcp, ws, wss, and without the ID: then see `known`. At least one. */
  readonly relays: readonly (string | RelayAddress)[]
  /** Access token, where the relays want one; only over tls and wss, and on loopback. */
  readonly token?: Uint8Array | string | undefined
  /** Remembers which relay was seen first at an address. @default for as long as the process lives */
  readonly known?: KnownRelays | undefined
  /** Checks the relays' certificates, as it has to be where something in front of them ends TLS. @default false */
  readonly checksCertificate?: boolean | undefined
  /** Encrypts circuits from end to end; the other peer has to do the same. @default true */
  readonly encrypt?: boolean | undefined
  /** @default TCP, to anywhere */
  readonly dial?: Dial | undefined
  /** @default the system's */
  readonly timing?: Timing | undefined
}

export interface ListenOptions extends ListenerEvents {
  /**
   * Asked before a circuit is taken; `peer` is a NodeID in Base58. What it throws, or rejects with, is the reason that the
   * other peer is told. @default everybody may come
   */
  readonly admit?: ((peer: string) => unknown) | undefined
  /** A circuit that was offered did not come about. */
  failed?(peer: string, error: Error): void
  /** Wanted life of a reservation in seconds. @default as the relay likes */
  readonly ttl?: number | undefined
}

export interface DialOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to wait where a relay has no room for one more circuit, ms. @default 0 */
  readonly waitMs?: number | undefined
  /** It has to wait; `refusal` says for which limit. */
  readonly onWait?: ((refusal: PeerError) => void) | undefined
}

const never = new AbortController().signal

/** Who can be reached by way of relays, and reaches others so. */
export class Peer {
  /** NodeID in Base58. */
  readonly id: string
  readonly links: readonly RelayLink[]
  readonly #nodeId: Uint8Array
  readonly #dialler: PeerDialler
  /** By NodeID of whom they wait for; who can be had does not wait for who cannot. */
  readonly #lines = new Map<string, WaitLine>()
  readonly #timing: Timing
  readonly #listeners = new Set<PeerListener>()

  /** @throws PeerError RELAY_ADDRESS */
  constructor(options: PeerOptions) {
    const {
      identity,
      relays,
      token,
      known = knownInMemory(),
      checksCertificate = false,
      encrypt = true,
    } = options
    if (relays.length === 0) throw new PeerError('RELAY_ADDRESS', 'a peer needs a relay')
    this.#timing = options.timing ?? systemTiming
    this.#nodeId = nodeIdOf(identity.publicKey)
    this.id = formatNodeId(this.#nodeId)
    const link = {
      ...{ identity, known, checksCertificate, encrypt, timing: this.#timing, dial: options.dial },
      token: typeof token === 'string' ? Buffer.from(token) : token,
      pool: new BufferPool(),
    }
    const addresses = relays.map((relay) => (typeof relay === 'string' ? relayAddressOf(relay) : relay))
    this.links = addresses.map((address) => new RelayLink(address, link))
    this.#dialler = new PeerDialler(this.links)
  }

  /**
   * Holds a reservation at every relay. Resolves once the first stands.
   * @param onCircuit a peer has come
   * @throws PeerError where none can be had
   */
  async listen(
    onCircuit: (circuit: PeerCircuit) => void,
    options: ListenOptions = {},
  ): Promise<PeerListener> {
    const onOffer = async (peer: string): Promise<Taker> => {
      await options.admit?.(peer)
      return { take: onCircuit, drop: (error) => options.failed?.(peer, error) }
    }
    const listener = this.listenWith(onOffer, options)
    await listener.ready
    return listener
  }

  /** @internal As `listen`, with a taker for each offer. */
  listenWith(onOffer: (peer: string) => Taker | Promise<Taker>, options: ListenOptions): PeerListener {
    const listener = new PeerListener(this.links, { ...options, onOffer, timing: this.#timing })
    this.#listeners.add(listener)
    return listener
  }

  /**
   * A circuit to another peer, by whichever relay has it.
   * @param peer its NodeID in Base58
   * @throws PeerError; of RELAY_REFUSED, `status` is one of `RELAY_STATUS`; the signal's reason
   */
  async dial(peer: string, { signal = never, waitMs = 0, onWait }: DialOptions = {}): Promise<PeerCircuit> {
    const nodeId = nodeIdFrom(peer)
    if (isSame(nodeId, this.#nodeId)) throw new PeerError('RELAY_ADDRESS', `${peer} is this peer itself`)
    const line = this.#lines.get(peer) ?? new WaitLine(this.#timing)
    this.#lines.set(peer, line)
    try {
      return await line.run(() => this.#dialler.connect(nodeId, signal), { waitMs, signal, onWait })
    } finally {
      if (line.length === 0) this.#lines.delete(peer)
    }
  }

  /** A circuit of this peer has ended, so there may be room for one that waits. */
  freed(): void {
    for (const line of this.#lines.values()) line.freed()
  }

  /** Logs in at a relay, one of `links`, and no more. Close its port. */
  visit(link: RelayLink, signal: AbortSignal = never): Promise<LinkSession> {
    return link.session(signal)
  }

  /** Gives the reservations up; circuits that run go on. */
  close(): void {
    for (const listener of this.#listeners) listener.stop()
    this.#listeners.clear()
  }
}

/** @throws PeerError RELAY_ADDRESS */
export const createPeer = (options: PeerOptions): Peer => new Peer(options)
