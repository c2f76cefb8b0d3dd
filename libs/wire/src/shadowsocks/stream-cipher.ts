import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto'
import type { Opener, Sealer } from './direction.ts'
import type { SsMethod } from './method.ts'

/** The method `none`: bytes pass as they are. */
export class PlainSealer implements Sealer {
  room(plainBytes: number): number {
    return plainBytes
  }

  seal(plain: Uint8Array, out: Uint8Array): number {
    out.set(plain)
    return plain.length
  }
}

/** The method `none`: bytes pass as they are. */
export class PlainOpener implements Opener {
  room(inputBytes: number): number {
    return inputBytes
  }

  open(input: Uint8Array, out: Uint8Array): number {
    out.set(input)
    return input.length
  }
}

/** An IV, then all that follows under one stream cipher. */
export class StreamSealer implements Sealer {
  readonly #cipher: Cipheriv
  #iv: Uint8Array | undefined

  constructor({ cipher }: SsMethod, key: Uint8Array, iv: Uint8Array) {
    this.#cipher = createCipheriv(cipher!, key, iv)
    this.#iv = iv
  }

  room(plainBytes: number): number {
    return plainBytes + (this.#iv?.length ?? 0)
  }

  seal(plain: Uint8Array, out: Uint8Array): number {
    if (plain.length === 0) return 0
    const start = this.#iv?.length ?? 0
    if (this.#iv !== undefined) out.set(this.#iv)
    this.#iv = undefined
    out.set(this.#cipher.update(plain), start)
    return start + plain.length
  }
}

/** What follows an IV, under one stream cipher. */
export class StreamOpener implements Opener {
  readonly #decipher: Decipheriv

  constructor({ cipher }: SsMethod, key: Uint8Array, iv: Uint8Array) {
    this.#decipher = createDecipheriv(cipher!, key, iv)
  }

  room(inputBytes: number): number {
    return inputBytes
  }

  open(input: Uint8Array, out: Uint8Array): number {
    out.set(this.#decipher.update(input))
    return input.length
  }
}
