import { isIP } from 'node:net'
import type { Address } from '@sluice/wire'

/** Why datagrams cannot go to a destination. */
export type Unreachable = 'policy' | 'lookup' | 'unreachable' | 'closed'

export interface DestinationsOptions<Peer> {
  /** Monotonic, ms. */
  readonly now: () => number
  /** Never rejects. */
  readonly find: (address: Address) => Promise<Peer | Unreachable>
  readonly send: (payload: Uint8Array, peer: Peer) => void
  readonly drop: (reason: Unreachable | 'closed') => void
}

/** So many are remembered of a client; the one that was longest out of use goes first. */
const MAX_DESTINATIONS = 1024
const MAX_LOOKUPS = 32
/** Datagrams for one destination that is being looked up. */
const MAX_WAITING = 16
/** Over all lookups: 64 KiB a datagram add up. */
const MAX_WAITING_BYTES = 256 * 1024
/** A lookup takes longer than a queue may hold anything, and the first datagram is often the only one. */
const MAX_LOOKUP_MS = 1000
/** getaddrinfo does not tell how long its answer holds. */
const NAME_MS = 60_000
const FAILURE_MS = 5000

/** One address as the client writes it, and where that leads. */
export class Destination<Peer> {
  readonly address: Address
  /** @internal */ found: Peer | Unreachable | undefined = undefined
  /** @internal `found` holds until then. */ until: number = -Infinity
  /** @internal Those that wait for it to be found. */ waiting: Uint8Array[] | undefined = undefined

  constructor(address: Address) {
    this.address = address
  }
}

/** Where one client sends to: found once, remembered in a bounded number, and who may answer. */
export class Destinations<Peer extends { readonly host: string; readonly port: number } & object> {
  readonly #options: DestinationsOptions<Peer>
  readonly #known = new Map<string, Destination<Peer>>()
  readonly #peers = new Map<string, Peer>()
  #lookups = 0
  #waitingBytes = 0

  constructor(options: DestinationsOptions<Peer>) {
    this.#options = options
  }

  of(address: Address): Destination<Peer> {
    const key = keyOf(address.host, address.port)
    const destination = this.#known.get(key) ?? new Destination(address)
    remember(this.#known, key, destination)
    if (typeof destination.found === 'object') this.remember(destination.found)
    return destination
  }

  /** Who was sent to there. */
  peerAt(host: string, port: number): Peer | undefined {
    return this.#peers.get(keyOf(host, port))
  }

  /** Who may answer from now on. */
  remember(peer: Peer): void {
    remember(this.#peers, keyOf(peer.host, peer.port), peer)
  }

  send(payload: Uint8Array, destination: Destination<Peer>): void {
    const { found, until, waiting } = destination
    if (waiting !== undefined) {
      if (waiting.length < MAX_WAITING && this.#mayWait(payload)) waiting.push(payload)
      else this.#options.drop('lookup')
    } else if (until !== Infinity && until <= this.#options.now()) this.#find(payload, destination)
    else if (typeof found === 'object') this.#options.send(payload, found)
    else this.#options.drop(found!)
  }

  /** Forgets all; what still waits is dropped. */
  clear(): void {
    for (const { waiting } of this.#known.values()) {
      for (let left = waiting?.splice(0).length ?? 0; left > 0; left--) this.#options.drop('closed')
    }
    this.#known.clear()
    this.#peers.clear()
  }

  #find(payload: Uint8Array, destination: Destination<Peer>): void {
    if (this.#lookups >= MAX_LOOKUPS || !this.#mayWait(payload)) {
      this.#options.drop('lookup')
      return
    }
    this.#lookups += 1
    destination.waiting = [payload]
    void this.#settle(destination)
  }

  #mayWait({ length }: Uint8Array): boolean {
    if (this.#waitingBytes + length > MAX_WAITING_BYTES) return false
    this.#waitingBytes += length
    return true
  }

  async #settle(destination: Destination<Peer>): Promise<void> {
    const since = this.#options.now()
    const found = await this.#options.find(destination.address)
    const now = this.#options.now()
    const waiting = destination.waiting!
    this.#lookups -= 1
    destination.waiting = undefined
    destination.found = found
    if (typeof found === 'object') {
      destination.until = isIP(destination.address.host) === 0 ? now + NAME_MS : Infinity
      // Emptied where all was forgotten meanwhile; nobody may answer then.
      if (waiting.length > 0) this.remember(found)
    } else destination.until = now + FAILURE_MS
    const isLate = now - since > MAX_LOOKUP_MS
    for (const payload of waiting) {
      this.#waitingBytes -= payload.length
      if (isLate || typeof found !== 'object') this.#options.drop(isLate ? 'lookup' : (found as Unreachable))
      else this.#options.send(payload, found)
    }
  }
}

const keyOf = (host: string, port: number): string => `${host} ${port}`

const remember = <T>(map: Map<string, T>, key: string, value: T): void => {
  map.delete(key)
  map.set(key, value)
  if (map.size <= MAX_DESTINATIONS) return
  const { value: oldest } = map.keys().next()
  if (oldest !== undefined) map.delete(oldest)
}
