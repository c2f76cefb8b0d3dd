import { createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import type { BufferPool } from '@sluice/net'
import { LENGTH_BYTES, MAX_MESSAGE, TAG_BYTES } from '../noise/noise-message.ts'
import { Nonce } from '../noise/nonce.ts'
import { PeerError } from '../peer/peer-error.ts'

const OPTIONS = { authTagLength: TAG_BYTES } as const

/** Opens what a `RecordSealer` of the other peer has sealed, cut anyhow. */
export class RecordOpener {
  /** The other peer has ended the direction, and nothing may follow. */
  ended = false
  readonly #key: KeyObject
  readonly #pool: BufferPool
  readonly #nonce = new Nonce()
  /** Lent while a record has come in part, of which it holds `#have` octets. */
  #part: Uint8Array | undefined = undefined
  #have = 0

  /** @param key 32 octets */
  constructor(key: Uint8Array, pool: BufferPool) {
    this.#key = createSecretKey(key)
    this.#pool = pool
  }

  /** How much `open` needs for so many octets. */
  room(bytes: number): number {
    return this.#have + bytes
  }

  /**
   * @returns octets put into `out`; 0 where no record has become whole
   * @throws PeerError PEER_NOISE, and must not be called any more
   */
  open(input: Uint8Array, out: Uint8Array): number {
    let size = 0
    let at = 0
    while (at < input.length) {
      if (this.ended) throw new PeerError('PEER_NOISE', 'octets behind the end of a stream')
      const whole = this.#have === 0 ? wholeAt(input, at) : 0
      if (whole > 0) {
        size += this.#record(input.subarray(at + LENGTH_BYTES, at + whole), out, size)
        at += whole
      } else {
        at += this.#collect(input.subarray(at))
        size += this.#openPart(out, size)
      }
    }
    return size
  }

  /** Gives back what is lent; nothing may be opened any more. */
  release(): void {
    if (this.#part !== undefined) this.#pool.give(this.#part)
    this.#part = undefined
    this.#have = 0
  }

  /** Takes what belongs to the record that has begun; of its length first. @returns how much that was */
  #collect(input: Uint8Array): number {
    const part = (this.#part ??= this.#pool.take(LENGTH_BYTES + MAX_MESSAGE))
    const want = this.#have < LENGTH_BYTES ? LENGTH_BYTES : sizeAt(part, 0)
    const taken = input.subarray(0, want - this.#have)
    part.set(taken, this.#have)
    this.#have += taken.length
    return taken.length
  }

  #openPart(out: Uint8Array, at: number): number {
    const part = this.#part!
    if (this.#have < LENGTH_BYTES || this.#have < sizeAt(part, 0)) return 0
    const size = this.#record(part.subarray(LENGTH_BYTES, this.#have), out, at)
    this.release()
    return size
  }

  #record(sealed: Uint8Array, out: Uint8Array, at: number): number {
    const size = sealed.length - TAG_BYTES
    if (size < 0) throw new PeerError('PEER_NOISE', 'a record that has no room for its tag')
    const decipher = createDecipheriv('aes-256-gcm', this.#key, this.#nonce.next(), OPTIONS)
    decipher.setAuthTag(sealed.subarray(size))
    const plain = decipher.update(sealed.subarray(0, size))
    try {
      decipher.final()
    } catch (cause) {
      throw new PeerError('PEER_NOISE', 'a record that does not open', { cause })
    }
    out.set(plain, at)
    this.ended = size === 0
    return size
  }
}

/** Octets of the record that begins here, its length included. */
const sizeAt = (bytes: Uint8Array, at: number): number => LENGTH_BYTES + bytes[at]! * 256 + bytes[at + 1]!

/** The same where all of it is there, else 0. */
const wholeAt = (bytes: Uint8Array, at: number): number => {
  if (bytes.length - at < LENGTH_BYTES) return 0
  const size = sizeAt(bytes, at)
  return size <= bytes.length - at ? size : 0
}
