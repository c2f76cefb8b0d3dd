import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { LENGTH_BYTES, MAX_PLAIN, TAG_BYTES } from '../noise/noise-message.ts'
import { Nonce } from '../noise/nonce.ts'

const OVERHEAD = LENGTH_BYTES + TAG_BYTES

/** Seals one direction of a circuit as records: a length in two octets, what it carries, a tag of 16. */
export class RecordSealer {
  readonly #key: KeyObject
  readonly #nonce = new Nonce()

  /** @param key 32 octets */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
  }

  /** How much `seal` needs for so many octets. */
  room(bytes: number): number {
    return bytes + Math.ceil(bytes / MAX_PLAIN) * OVERHEAD
  }

  /** @param plain not empty @returns octets put into `out` @throws PeerError PEER_EXHAUSTED */
  seal(plain: Uint8Array, out: Uint8Array): number {
    // Of equal size: the read of 64 KiB that is a little more than a record carries would else leave a tiny one.
    const most = Math.ceil(plain.length / Math.ceil(plain.length / MAX_PLAIN))
    let size = 0
    for (let at = 0; at < plain.length; at += most)
      size += this.#record(plain.subarray(at, at + most), out, size)
    return size
  }

  /** The record that ends the direction. */
  end(): Uint8Array {
    const out = new Uint8Array(OVERHEAD)
    this.#record(new Uint8Array(0), out, 0)
    return out
  }

  #record(plain: Uint8Array, out: Uint8Array, at: number): number {
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#nonce.next())
    const length = plain.length + TAG_BYTES
    out[at] = length >> 8
    out[at + 1] = length
    out.set(cipher.update(plain), at + LENGTH_BYTES)
    cipher.final()
    out.set(cipher.getAuthTag(), at + LENGTH_BYTES + plain.length)
    return LENGTH_BYTES + length
  }
}
