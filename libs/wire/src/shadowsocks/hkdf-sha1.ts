const BLOCK_BYTES = 64
const HASH_BYTES = 20
/** What one block takes beside the padding and the length of SHA-1. */
const MAX_MESSAGE = 55
const INITIAL = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0)

/** The block that goes in, and its message schedule: shared, since nothing here waits. */
const block = new Uint8Array(BLOCK_BYTES)
const schedule = new Int32Array(80)

/**
 * HKDF with SHA-1, RFC 5869, as short as SIP004 needs it. In a third of the time that node:crypto takes, which counts
 * where every conn and every datagram has keys of its own.
 * @param ikm at most 55 bytes
 * @param salt at most 64 bytes
 * @param info at most 34 bytes
 * @param length of what it returns, at most 5100
 */
export function hkdfSha1(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const hmac = new ShortHmac(new ShortHmac(salt).digest(ikm))
  const out = new Uint8Array(length)
  const message = new Uint8Array(HASH_BYTES + info.length + 1)
  message.set(info, HASH_BYTES)
  for (let at = 0; at < length; at += HASH_BYTES) {
    message[message.length - 1]!++
    const hash = hmac.digest(at === 0 ? message.subarray(HASH_BYTES) : message)
    message.set(hash)
    out.set(hash.subarray(0, length - at), at)
  }
  return out
}

/** HMAC-SHA1, RFC 2104, of messages that fit into one block. */
class ShortHmac {
  readonly #inner: Int32Array
  readonly #outer: Int32Array

  constructor(key: Uint8Array) {
    this.#inner = keyed(key, 0x36)
    this.#outer = keyed(key, 0x5c)
  }

  digest(message: Uint8Array): Uint8Array {
    return finished(this.#outer, finished(this.#inner, message))
  }
}

/** The state behind the one block that the key makes. */
function keyed(key: Uint8Array, pad: number): Int32Array {
  if (key.length > BLOCK_BYTES) throw new RangeError(`a key of ${key.length} bytes, over ${BLOCK_BYTES}`)
  block.fill(pad)
  for (let index = 0; index < key.length; index++) block[index]! ^= key[index]!
  const state = new Int32Array(INITIAL)
  compress(state)
  return state
}

/** The hash of the key's block and this message. */
function finished(start: Int32Array, message: Uint8Array): Uint8Array {
  if (message.length > MAX_MESSAGE) throw new RangeError(`${message.length} bytes, over ${MAX_MESSAGE}`)
  block.fill(0)
  block.set(message)
  block[message.length] = 0x80
  const bits = (BLOCK_BYTES + message.length) * 8
  block[62] = bits >> 8
  block[63] = bits
  const state = new Int32Array(start)
  compress(state)
  const hash = new Uint8Array(HASH_BYTES)
  for (let index = 0; index < HASH_BYTES; index++) hash[index] = state[index >> 2]! >> (24 - (index & 3) * 8)
  return hash
}

function expand(): void {
  for (let index = 0; index < 16; index++) {
    const at = index * 4
    schedule[index] = (block[at]! << 24) | (block[at + 1]! << 16) | (block[at + 2]! << 8) | block[at + 3]!
  }
  for (let index = 16; index < 80; index++) {
    const word = schedule[index - 3]! ^ schedule[index - 8]! ^ schedule[index - 14]! ^ schedule[index - 16]!
    schedule[index] = (word << 1) | (word >>> 31)
  }
}

/** FIPS 180-4 §6.1.2, of `block`. */
function compress(state: Int32Array): void {
  expand()
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  for (let index = 0; index < 80; index++) {
    const next = (((a << 5) | (a >>> 27)) + mix(index, b, c, d) + e + schedule[index]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
}

/** The function and the constant of one of the four rounds. */
function mix(index: number, b: number, c: number, d: number): number {
  if (index < 20) return (((b & c) | (~b & d)) + 0x5a827999) | 0
  if (index < 40) return ((b ^ c ^ d) + 0x6ed9eba1) | 0
  if (index < 60) return (((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc) | 0
  return ((b ^ c ^ d) + 0xca62c1d6) | 0
}
