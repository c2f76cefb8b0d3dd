/** Where a peer can be reached: which relay, and since which claim. */
export interface Place {
  /** The relay's URL, for REDIRECT. */
  readonly relay: string
  /** Grows from claim to claim of a peer, wherever that is: ms since 1970 of the control conn's login. */
  readonly epoch: number
}

/**
 * Which relay holds which peer, where several stand behind one name. Soft: a claim that is not repeated is forgotten, and
 * who is sent to a relay that the peer has just left is told NO_RESERVATION there.
 */
export interface Presence {
  /** Also to renew it. An older epoch than the one that is known changes nothing. */
  claim(peer: string, place: Place, ttlMs: number): Promise<void>
  /** Only that claim: a late release does not undo what another relay has claimed since. */
  release(peer: string, place: Place): Promise<void>
  lookup(peer: string): Promise<Place | undefined>
}

/** For relays in one process. */
export class MemoryPresence implements Presence {
  readonly #now: () => number
  readonly #places = new Map<string, { place: Place; until: number }>()

  /** @param now monotonic, ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get size(): number {
    return this.#places.size
  }

  claim(peer: string, place: Place, ttlMs: number): Promise<void> {
    const known = this.#find(peer)
    if (known === undefined || known.epoch <= place.epoch) {
      this.#places.set(peer, { place, until: this.#now() + ttlMs })
    }
    return Promise.resolve()
  }

  release(peer: string, { relay, epoch }: Place): Promise<void> {
    const known = this.#find(peer)
    if (known?.relay === relay && known.epoch === epoch) this.#places.delete(peer)
    return Promise.resolve()
  }

  lookup(peer: string): Promise<Place | undefined> {
    return Promise.resolve(this.#find(peer))
  }

  #find(peer: string): Place | undefined {
    const known = this.#places.get(peer)
    if (known === undefined || known.until > this.#now()) return known?.place
    this.#places.delete(peer)
    return undefined
  }
}
