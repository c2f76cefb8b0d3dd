import { createSecretKey, type KeyObject } from 'node:crypto'
import { hchacha } from './chacha-block.ts'
import { openChachaLength, sealChachaLength } from './chacha-lengths.ts'
import { GcmLengths, isFirstGcmLength } from './gcm-lengths.ts'
import type { SsMethod } from './method.ts'
import { type AeadName, NONCE_BYTES, nodeOpen, nodeSeal, TAG_BYTES } from './node-aead.ts'

/** A number counts exactly in so many bytes. */
const MAX_COUNT_BYTES = 6

/** What a length takes when it is sealed. */
export const SEALED_LENGTH_BYTES: number = 2 + TAG_BYTES

/** Seals one piece after another under one key; the nonce counts them. */
export interface PieceSealer {
  /** Writes `plain` sealed, and its tag, to `out` from `at` on. */
  seal(plain: Uint8Array, out: Uint8Array, at: number): void
  /** Writes two bytes sealed, big-endian, and their tag, to `out` from `at` on. */
  sealLength(length: number, out: Uint8Array, at: number): void
}

/** Opens one piece after another under one key; the nonce counts them. */
export interface PieceOpener {
  /**
   * Writes what `sealed`, a piece with its tag, holds to `out` from `at` on.
   * @returns whether it is authentic; if not, what was written is worth nothing
   */
  open(sealed: Uint8Array, out: Uint8Array, at: number): boolean
  /**
   * @param sealed {@link SEALED_LENGTH_BYTES} of them
   * @returns the length; -1 where it is not authentic
   */
  openLength(sealed: Uint8Array): number
}

/** @param key of one direction */
export function createPieces(method: SsMethod, key: Uint8Array): PieceSealer & PieceOpener {
  if (method.cipher === undefined) return new XChachaPieces(key)
  if (method.cipher === 'chacha20-poly1305') return new ChachaPieces(key)
  return new GcmPieces(method.cipher as AeadName, key)
}

/**
 * Whether this is the first length of a direction with this key. Most often it is not: that is no error here, which would
 * cost more than all the rest.
 * @param most that a length may be
 */
export function isFirstLength(method: SsMethod, key: Uint8Array, sealed: Uint8Array, most: number): boolean {
  const isGcm = method.cipher !== undefined && method.cipher !== 'chacha20-poly1305'
  if (isGcm) return isFirstGcmLength(key, sealed, most)
  const length = createPieces(method, key).openLength(sealed)
  return length >= 0 && length <= most
}

/**
 * So many pieces of a direction go by before its {@link GcmLengths} are made: they cost as much as two contexts of
 * node:crypto, and memory for as long as the conn is there, which is a waste on one that is short or idle.
 */
const FIRST_PIECES = 6

class GcmPieces implements PieceSealer, PieceOpener {
  readonly #cipher: AeadName
  readonly #key: KeyObject
  #count = 0
  #lengths: GcmLengths | undefined = undefined

  constructor(cipher: AeadName, key: Uint8Array) {
    this.#cipher = cipher
    this.#key = createSecretKey(key)
  }

  seal(plain: Uint8Array, out: Uint8Array, at: number): void {
    nodeSeal(this.#cipher, this.#key, nonceOf(this.#count++), plain, out, at)
  }

  open(sealed: Uint8Array, out: Uint8Array, at: number): boolean {
    return nodeOpen(this.#cipher, this.#key, nonceOf(this.#count++), sealed, out, at)
  }

  sealLength(length: number, out: Uint8Array, at: number): void {
    if (this.#count < FIRST_PIECES) {
      twoBytes[0] = length >> 8
      twoBytes[1] = length
      this.seal(twoBytes, out, at)
      return
    }
    const count = this.#count++
    this.#lengths ??= new GcmLengths(this.#key, count)
    this.#lengths.seal(count, length, out, at)
  }

  openLength(sealed: Uint8Array): number {
    if (this.#count < FIRST_PIECES) {
      return this.open(sealed, twoBytes, 0) ? (twoBytes[0]! << 8) | twoBytes[1]! : -1
    }
    const count = this.#count++
    this.#lengths ??= new GcmLengths(this.#key, count)
    return this.#lengths.open(count, sealed)
  }
}

class ChachaPieces implements PieceSealer, PieceOpener {
  readonly #key: KeyObject
  readonly #words: Int32Array
  #count = 0

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key)
    this.#words = wordsOf(key)
  }

  seal(plain: Uint8Array, out: Uint8Array, at: number): void {
    nodeSeal('chacha20-poly1305', this.#key, nonceOf(this.#count++), plain, out, at)
  }

  open(sealed: Uint8Array, out: Uint8Array, at: number): boolean {
    return nodeOpen('chacha20-poly1305', this.#key, nonceOf(this.#count++), sealed, out, at)
  }

  sealLength(length: number, out: Uint8Array, at: number): void {
    sealChachaLength(this.#words, this.#count++, length, out, at)
  }

  openLength(sealed: Uint8Array): number {
    return openChachaLength(this.#words, this.#count++, sealed)
  }
}

const ZERO_NONCE = new Uint8Array(NONCE_BYTES)

/**
 * draft-irtf-cfrg-xchacha §2.3: ChaCha20-Poly1305 under a key that HChaCha20 makes of the first 16 bytes of the nonce.
 * A count fits into those, so each piece has its own key, and for a nonce what is left: zeros.
 */
class XChachaPieces implements PieceSealer, PieceOpener {
  readonly #words: Int32Array
  readonly #pieceKey = new Int32Array(8)
  #count = 0

  constructor(key: Uint8Array) {
    this.#words = wordsOf(key)
  }

  seal(plain: Uint8Array, out: Uint8Array, at: number): void {
    nodeSeal('chacha20-poly1305', createSecretKey(bytesOf(this.#next())), ZERO_NONCE, plain, out, at)
  }

  open(sealed: Uint8Array, out: Uint8Array, at: number): boolean {
    return nodeOpen('chacha20-poly1305', createSecretKey(bytesOf(this.#next())), ZERO_NONCE, sealed, out, at)
  }

  sealLength(length: number, out: Uint8Array, at: number): void {
    sealChachaLength(this.#next(), 0, length, out, at)
  }

  openLength(sealed: Uint8Array): number {
    return openChachaLength(this.#next(), 0, sealed)
  }

  #next(): Int32Array {
    hchacha(this.#words, this.#count++, this.#pieceKey)
    return this.#pieceKey
  }
}

/** Shared, since nothing here waits. */
const nonce = new Uint8Array(NONCE_BYTES)
const twoBytes = new Uint8Array(2)

/** As SIP004 and SIP022 write a count of pieces, little-endian; good until the next. */
function nonceOf(count: number): Uint8Array {
  for (let index = 0, rest = count; index < MAX_COUNT_BYTES; index++, rest = Math.floor(rest / 256)) {
    nonce[index] = rest
  }
  return nonce
}

/** The words of a ChaCha20 key, little-endian. */
function wordsOf(key: Uint8Array): Int32Array {
  const view = new DataView(key.buffer, key.byteOffset, key.length)
  const words = new Int32Array(8)
  for (let index = 0; index < words.length; index++) words[index] = view.getInt32(index * 4, true)
  return words
}

function bytesOf(words: Int32Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [index, word] of words.entries()) view.setInt32(index * 4, word, true)
  return bytes
}
