import { PeerError } from '../peer/peer-error.ts'

/** Noise has 2^64 - 1; numbers count exactly up to here, and nobody gets as far. */
const LAST = Number.MAX_SAFE_INTEGER

/** Counts the messages under one key; each has a nonce of its own (Noise §5.1, §12.2: 4 octets of 0, n in 8, big-endian). */
export class Nonce {
  readonly #bytes = new Uint8Array(12)
  readonly #view = new DataView(this.#bytes.buffer)
  #count: number

  /** @param count of messages so far */
  constructor(count = 0) {
    this.#count = count
  }

  /** Good until the next call. @throws PeerError PEER_EXHAUSTED */
  next(): Uint8Array {
    if (this.#count >= LAST) throw new PeerError('PEER_EXHAUSTED', 'all nonces of this key are used up')
    this.#view.setUint32(4, Math.floor(this.#count / 2 ** 32))
    this.#view.setUint32(8, this.#count >>> 0)
    this.#count++
    return this.#bytes
  }
}
