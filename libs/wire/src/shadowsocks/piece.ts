import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import type { SsMethod } from './method.ts'

/** All methods have tags of this length. */
export const TAG_BYTES = 16

const NONCE_BYTES = 12
const XCHACHA_NONCE_BYTES = 24
const OPTIONS = { authTagLength: TAG_BYTES }

/** Seals one piece after another under one key; the nonce counts them. */
export interface PieceSealer {
  /** Writes `plain` sealed, and its tag, to `out` from `at` on. */
  seal(plain: Uint8Array, out: Uint8Array, at: number): void
}

/** Opens one piece after another under one key; the nonce counts them. */
export interface PieceOpener {
  /**
   * Writes what `sealed`, a piece with its tag, holds to `out` from `at` on.
   * @returns whether it is authentic; if not, what was written is worth nothing
   */
  open(sealed: Uint8Array, out: Uint8Array, at: number): boolean
}

/** @param key of one direction */
export function createPieceSealer(method: SsMethod, key: Uint8Array): PieceSealer {
  return method.cipher === undefined ? new XChaChaPieces(key) : new NodePieces(method.cipher, key)
}

/** @param key of one direction */
export function createPieceOpener(method: SsMethod, key: Uint8Array): PieceOpener {
  return method.cipher === undefined ? new XChaChaPieces(key) : new NodePieces(method.cipher, key)
}

class NodePieces implements PieceSealer, PieceOpener {
  readonly #cipher: 'aes-256-gcm'
  readonly #key: KeyObject
  readonly #nonce: Uint8Array = new Uint8Array(NONCE_BYTES)

  constructor(cipher: string, key: Uint8Array) {
    // The types know no AEAD without a name; all take the same calls.
    this.#cipher = cipher as 'aes-256-gcm'
    // A KeyObject, since raw bytes cost createCipheriv ten times as much on Node 24.
    this.#key = createSecretKey(key)
  }

  seal(plain: Uint8Array, out: Uint8Array, at: number): void {
    const cipher = createCipheriv(this.#cipher, this.#key, this.#nonce, OPTIONS)
    out.set(cipher.update(plain), at)
    cipher.final()
    out.set(cipher.getAuthTag(), at + plain.length)
    increment(this.#nonce)
  }

  open(sealed: Uint8Array, out: Uint8Array, at: number): boolean {
    const end = sealed.length - TAG_BYTES
    const decipher = createDecipheriv(this.#cipher, this.#key, this.#nonce, OPTIONS)
    decipher.setAuthTag(sealed.subarray(end))
    out.set(decipher.update(sealed.subarray(0, end)), at)
    increment(this.#nonce)
    try {
      decipher.final()
      return true
    } catch {
      return false
    }
  }
}

class XChaChaPieces implements PieceSealer, PieceOpener {
  readonly #key: Uint8Array
  readonly #nonce: Uint8Array = new Uint8Array(XCHACHA_NONCE_BYTES)

  constructor(key: Uint8Array) {
    this.#key = key
  }

  seal(plain: Uint8Array, out: Uint8Array, at: number): void {
    out.set(xchacha20poly1305(this.#key, this.#nonce).encrypt(plain), at)
    increment(this.#nonce)
  }

  open(sealed: Uint8Array, out: Uint8Array, at: number): boolean {
    try {
      out.set(xchacha20poly1305(this.#key, this.#nonce).decrypt(sealed), at)
      increment(this.#nonce)
      return true
    } catch {
      return false
    }
  }
}

/** Little-endian, as SIP004 and SIP022 count. */
function increment(nonce: Uint8Array): void {
  for (let index = 0; index < nonce.length; index++) {
    nonce[index] = (nonce[index]! + 1) & 0xff
    if (nonce[index] !== 0) return
  }
}
