import { unsafe as aes } from '@noble/ciphers/aes.js'
import { type Cipheriv, createCipheriv, type KeyObject } from 'node:crypto'

const BLOCK = 16
/** Key stream of one piece: a block for its tag, a block for its two bytes. */
const PAIR: number = 2 * BLOCK
/** Pieces whose key stream is made at once. */
const BATCH = 8
/** In the place of the counter that GCM puts behind the nonce. */
const [TAG_COUNTER, DATA_COUNTER] = [1, 2]
const LENGTH_BITS = 16
/** What GCM divides by, x^128 + x^7 + x^2 + x + 1, in its order of bits. */
const REDUCTION = 0xe1000000

/** Input of a batch, and the words of a tag: shared, since nothing here waits. */
const blocks = new Uint8Array(BATCH * PAIR)
const tag = new Int32Array(4)

/**
 * The length pieces of a direction under AES-GCM (NIST SP 800-38D): two bytes and a tag each. A context of node:crypto
 * for each of them costs a third of what the whole chunk does. Here one context makes the key stream of many, and of
 * GHASH two bytes leave very little.
 */
export class GcmLengths {
  readonly #aes: Cipheriv
  /** H² times x to the power of 0, 1 and so on to 15: what each bit of two bytes adds to the tag. Four words each. */
  readonly #powers: Int32Array = new Int32Array(LENGTH_BITS * 4)
  /** What the length of the data adds to the tag. */
  readonly #bits: Int32Array
  /** Key stream of `#count`, of the nonce after the next, and so on. */
  #stream: Uint8Array
  #count: number
  #pairs = 1

  /**
   * @param key of AES, any of its lengths
   * @param count the nonce of the first piece
   */
  constructor(key: KeyObject, count: number) {
    this.#aes = ecb(key)
    blocks.fill(0, 0, BLOCK)
    fillPair(BLOCK, count)
    const first = this.#aes.update(blocks.subarray(0, BLOCK + PAIR))
    this.#stream = first.subarray(BLOCK)
    this.#count = count
    const h = wordsOf(first)
    this.#bits = multiply(Int32Array.of(0, 0, 0, LENGTH_BITS), h)
    const power = multiply(h, h)
    for (let bit = 0; bit < LENGTH_BITS; bit++) {
      this.#powers.set(power, bit * 4)
      timesX(power)
    }
  }

  /** Writes the sealed length to `out` from `at` on, 18 bytes. */
  seal(count: number, length: number, out: Uint8Array, at: number): void {
    const stream = this.#streamAt(count)
    const sealed = length ^ this.#mask(stream)
    out[at] = sealed >> 8
    out[at + 1] = sealed
    this.#hash(sealed)
    for (let index = 0; index < BLOCK; index++) out[at + 2 + index] = this.#tagByte(stream, index)
  }

  /** @returns the length, or -1 where it is not authentic */
  open(count: number, sealed: Uint8Array): number {
    const stream = this.#streamAt(count)
    const data = (sealed[0]! << 8) | sealed[1]!
    this.#hash(data)
    let difference = 0
    for (let index = 0; index < BLOCK; index++) {
      difference |= sealed[2 + index]! ^ this.#tagByte(stream, index)
    }
    return difference === 0 ? data ^ this.#mask(stream) : -1
  }

  #mask(stream: number): number {
    return (this.#stream[stream + BLOCK]! << 8) | this.#stream[stream + BLOCK + 1]!
  }

  #tagByte(stream: number, index: number): number {
    return ((tag[index >> 2]! >>> (24 - (index & 3) * 8)) & 0xff) ^ this.#stream[stream + index]!
  }

  /** GHASH of these two bytes; which bits are set is no secret. */
  #hash(data: number): void {
    tag.set(this.#bits)
    for (let bit = 0; bit < LENGTH_BITS; bit++) {
      if (((data << bit) & 0x8000) === 0) continue
      for (let word = 0; word < 4; word++) tag[word]! ^= this.#powers[bit * 4 + word]!
    }
  }

  /** Where the key stream of this nonce is. */
  #streamAt(count: number): number {
    const pair = (count - this.#count) / 2
    if (pair >= 0 && pair < this.#pairs && Number.isInteger(pair)) return pair * PAIR
    for (let index = 0; index < BATCH; index++) fillPair(index * PAIR, count + index * 2)
    this.#stream = this.#aes.update(blocks)
    this.#count = count
    this.#pairs = BATCH
    return 0
  }
}

/**
 * Whether this is the first length of a direction with this key. It makes no objects of node:crypto: to let go of those of a
 * thousand keys, of which all but one are wrong, holds up everybody for longer than to try them.
 * @param most that a length may be; under a wrong key it mostly is more, and nothing else is looked at then
 */
export function isFirstGcmLength(key: Uint8Array, sealed: Uint8Array, most: number): boolean {
  const expanded = aes.expandKeyLE(key)
  const data = (sealed[0]! << 8) | sealed[1]!
  if ((data ^ (firstBlock(expanded, DATA_COUNTER)[0]! >>> 16)) > most) return false
  const h = firstBlock(expanded, 0)
  const sum = multiply(Int32Array.of(data << 16, 0, 0, 0), h)
  sum[3]! ^= LENGTH_BITS
  const expected = multiply(sum, h)
  const mask = firstBlock(expanded, TAG_COUNTER)
  const given = wordsOf(sealed.subarray(2))
  return expected.every((word, index) => (word ^ mask[index]!) === given[index])
}

/** The words of a block that has but a counter in it, under AES. */
function firstBlock(expanded: Uint32Array, counter: number): Int32Array {
  const { s0, s1, s2, s3 } = aes.encrypt(expanded, 0, 0, 0, counter << 24)
  return Int32Array.of(swapped(s0), swapped(s1), swapped(s2), swapped(s3))
}

/** The other order of bytes. */
const swapped = (word: number): number =>
  (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)

const ecb = (key: KeyObject): Cipheriv => createCipheriv(`aes-${key.symmetricKeySize! * 8}-ecb`, key, null)

/** The two blocks that become the key stream of this nonce. */
function fillPair(at: number, count: number): void {
  blocks.fill(0, at, at + PAIR)
  for (let index = 0, rest = count; rest > 0; index++, rest = Math.floor(rest / 256)) {
    blocks[at + index] = rest
    blocks[at + BLOCK + index] = rest
  }
  blocks[at + BLOCK - 1] = TAG_COUNTER
  blocks[at + PAIR - 1] = DATA_COUNTER
}

/** The first four words of these bytes. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, BLOCK)
  return Int32Array.of(view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12))
}

/** The product in GF(2^128), §6.3, in a time that says nothing about the factors. */
function multiply(x: Int32Array, y: Int32Array): Int32Array {
  let [p0, p1, p2, p3] = [0, 0, 0, 0]
  let v0 = y[0]!
  let v1 = y[1]!
  let v2 = y[2]!
  let v3 = y[3]!
  for (let bit = 0; bit < 128; bit++) {
    const mask = -((x[bit >> 5]! >>> (31 - (bit & 31))) & 1)
    p0 ^= v0 & mask
    p1 ^= v1 & mask
    p2 ^= v2 & mask
    p3 ^= v3 & mask
    const reduction = -(v3 & 1) & REDUCTION
    v3 = (v3 >>> 1) | (v2 << 31)
    v2 = (v2 >>> 1) | (v1 << 31)
    v1 = (v1 >>> 1) | (v0 << 31)
    v0 = (v0 >>> 1) ^ reduction
  }
  return Int32Array.of(p0, p1, p2, p3)
}

function timesX(power: Int32Array): void {
  const reduction = -(power[3]! & 1) & REDUCTION
  for (let word = 3; word > 0; word--) power[word] = (power[word]! >>> 1) | (power[word - 1]! << 31)
  power[0] = (power[0]! >>> 1) ^ reduction
}
