import type { Lane } from '@sluice/net'

export interface DatagramQueueOptions<Peer> {
  readonly lane: Lane
  /** Monotonic, ms. */
  readonly now: () => number
  /** `payload` may go to, or has come from, `peer`. @returns false where it found no room there, and is dropped */
  readonly send: (payload: Uint8Array, peer: Peer) => boolean | void
  /** One waited too long, or found no room. */
  readonly onDrop: () => void
}

/** Older ones are worth nothing to who waits for them (a late packet of a call), and hold up the younger ones. */
export const MAX_WAIT_MS = 50
const MAX_BYTES = 256 * 1024
const MAX_DATAGRAMS = 1024

interface Waiting<Peer> {
  readonly payload: Uint8Array
  readonly peer: Peer
  readonly since: number
}

/**
 * One direction of an association: its datagrams go at once where nothing limits the lane, else in order as its limiter
 * lets them, whole, and none that has waited for more than 50 ms. What was granted for one that is dropped counts for the
 * next, so that a rate is used up even where each single datagram takes longer than 50 ms of it.
 */
export class DatagramQueue<Peer> {
  readonly #options: DatagramQueueOptions<Peer>
  readonly #lane: Lane
  #waiting: Waiting<Peer>[] = []
  #bytes = 0
  /** Granted and not used yet; less than one datagram. */
  #credit = 0
  /** The limiter owes a grant. */
  #asked = false

  constructor(options: DatagramQueueOptions<Peer>) {
    this.#options = options
    this.#lane = options.lane
    const onGrant = (bytes: number): void => this.#granted(bytes)
    this.#lane.onGrant = onGrant
  }

  /** Payload that waits. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#waiting.length
  }

  offer(payload: Uint8Array, peer: Peer): void {
    if (this.#lane.limiter === undefined) {
      this.#send(payload, peer)
      return
    }
    const since = this.#options.now()
    this.#dropLate(since)
    if (this.#waiting.length === 0 && this.#mayGo(payload.length)) this.#send(payload, peer)
    else if (this.#bytes + payload.length > MAX_BYTES || this.#waiting.length >= MAX_DATAGRAMS) {
      this.#options.onDrop()
    } else {
      this.#waiting.push({ payload, peer, since })
      this.#bytes += payload.length
    }
  }

  /** Drops what waits; grants that are still to come find nothing. */
  clear(): void {
    while (this.#waiting.length > 0) {
      this.#shift()
      this.#options.onDrop()
    }
  }

  #granted(bytes: number): void {
    this.#asked = false
    this.#credit += bytes
    this.#dropLate(this.#options.now())
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (!this.#mayGo(first.payload.length)) return
      this.#shift()
      this.#send(first.payload, first.peer)
    }
  }

  #mayGo(size: number): boolean {
    while (this.#credit < size) {
      if (this.#asked) return false
      const granted = this.#lane.limiter!.take(size - this.#credit)
      if (granted === 0) {
        this.#asked = true
        return false
      }
      this.#credit += granted
    }
    this.#credit -= size
    return true
  }

  #dropLate(now: number): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (now - first.since <= MAX_WAIT_MS) return
      this.#shift()
      this.#options.onDrop()
    }
  }

  #shift(): void {
    this.#bytes -= this.#waiting.shift()!.payload.length
  }

  #send(payload: Uint8Array, peer: Peer): void {
    if (this.#options.send(payload, peer) === false) this.#options.onDrop()
    // Last: a count that uses up a quota may end the association.
    else this.#lane.count(payload.length)
  }
}
