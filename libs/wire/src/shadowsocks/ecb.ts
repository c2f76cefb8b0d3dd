import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto'

/** Seals blocks of 16 bytes, each on its own, with AES: one context for all of them. */
export class EcbCipher {
  readonly #cipher: Cipheriv

  constructor(key: Uint8Array) {
    this.#cipher = createCipheriv(nameOf(key), key, null).setAutoPadding(false)
  }

  block(plain: Uint8Array): Buffer {
    return this.#cipher.update(plain)
  }
}

/** Opens blocks of 16 bytes, each on its own, with AES: one context for all of them. */
export class EcbDecipher {
  readonly #decipher: Decipheriv

  constructor(key: Uint8Array) {
    // Padding would hold each block back until the next.
    this.#decipher = createDecipheriv(nameOf(key), key, null).setAutoPadding(false)
  }

  block(sealed: Uint8Array): Buffer {
    return this.#decipher.update(sealed)
  }
}

const nameOf = (key: Uint8Array): string => `aes-${key.length * 8}-ecb`
