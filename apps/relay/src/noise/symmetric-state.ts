import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { PeerError } from '../peer/peer-error.ts'
import { Nonce } from './nonce.ts'
import type { NoiseSuite } from './noise-suite.ts'

const PROTOCOL_NAME = 'Noise_XX_25519_AESGCM_SHA256'
const EMPTY = new Uint8Array(0)

/** The SymmetricState of Noise §5.2: what was said so far as a hash, and the keys that come of it. */
export class SymmetricState {
  readonly #suite: NoiseSuite
  #hash: Uint8Array
  #chain: Uint8Array
  #key: Uint8Array | undefined = undefined
  #nonce = new Nonce()

  constructor(suite: NoiseSuite) {
    this.#suite = suite
    // Shorter than a hash, so it is filled up with zeros.
    this.#hash = new Uint8Array(32)
    this.#hash.set(new TextEncoder().encode(PROTOCOL_NAME))
    this.#chain = this.#hash
  }

  get hash(): Uint8Array {
    return this.#hash
  }

  mixHash(bytes: Uint8Array): void {
    this.#hash = sha256.create().update(this.#hash).update(bytes).digest()
  }

  /** @throws PeerError PEER_NOISE where `secret` is all zeros: the other side's key is of small order */
  mixKey(secret: Uint8Array): void {
    if (secret.every((byte) => byte === 0)) throw new PeerError('PEER_NOISE', 'a key that gives no secret')
    ;[this.#chain, this.#key] = this.#derive(secret)
    this.#nonce = new Nonce()
  }

  /** As they are before there is a key. */
  async seal(plain: Uint8Array): Promise<Uint8Array> {
    const sealed =
      this.#key === undefined
        ? plain
        : await this.#suite.seal(this.#key, this.#nonce.next(), this.#hash, plain)
    this.mixHash(sealed)
    return sealed
  }

  /** @throws PeerError PEER_NOISE */
  async open(sealed: Uint8Array): Promise<Uint8Array> {
    const plain =
      this.#key === undefined ? sealed : await this.#openWith(this.#key, this.#nonce.next(), sealed)
    this.mixHash(sealed)
    return plain
  }

  /** The keys of the initiator's and the responder's direction. */
  split(): readonly [Uint8Array, Uint8Array] {
    return this.#derive(EMPTY)
  }

  async #openWith(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#suite.open(key, nonce, this.#hash, sealed)
    } catch (cause) {
      throw new PeerError('PEER_NOISE', 'a message of the handshake does not open', { cause })
    }
  }

  /** HKDF of Noise §4.3 is that of RFC 5869 without info. */
  #derive(secret: Uint8Array): [Uint8Array, Uint8Array] {
    const both = hkdf(sha256, secret, this.#chain, undefined, 64)
    return [both.slice(0, 32), both.slice(32)]
  }
}
