const BLOCK_BYTES = 64
const HASH_BYTES = 20
const HASH_WORDS = 5
/** What one block takes beside the padding and the length of SHA-1. */
const MAX_MESSAGE = 55
const INITIAL = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0)
const INNER_PAD = 0x36363636
const OUTER_PAD = 0x5c5c5c5c

/** All of it is shared, since nothing here waits. The message schedule, of which the first 16 words are the block: */
const words = new Int32Array(80)
/** the states behind the two blocks that the key of an HMAC makes, for the salt and for what is expanded, */
const extracting: HmacStates = { inner: new Int32Array(HASH_WORDS), outer: new Int32Array(HASH_WORDS) }
const expanding: HmacStates = { inner: new Int32Array(HASH_WORDS), outer: new Int32Array(HASH_WORDS) }
/** what is hashed, */
const message = new Uint8Array(MAX_MESSAGE)
/** and what came out last. */
const state = new Int32Array(HASH_WORDS)
const hash = new Uint8Array(HASH_BYTES)
/** What `extracting` was made of. */
const lastSalt = new Uint8Array(BLOCK_BYTES)
let lastSaltBytes = -1

interface HmacStates {
  readonly inner: Int32Array
  readonly outer: Int32Array
}

/**
 * HKDF with SHA-1, RFC 5869, as short as SIP004 needs it. In a fraction of the time that node:crypto takes, which counts
 * where every conn and every datagram has keys of its own, and most where a thousand keys are tried with one salt.
 * @param ikm at most 55 bytes
 * @param salt at most 64 bytes
 * @param info at most 34 bytes
 * @param length of what it returns, at most 5100
 */
export function hkdfSha1(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  if (!isLastSalt(salt)) extractWith(salt)
  hmac(extracting, ikm, ikm.length)
  hmacKey(hash, expanding)
  const out = new Uint8Array(length)
  checkMessage(length > HASH_BYTES ? HASH_BYTES + info.length + 1 : info.length + 1)
  message.set(info)
  for (
    let at = 0, bytes = info.length + 1;
    at < length;
    at += HASH_BYTES, bytes = HASH_BYTES + info.length + 1
  ) {
    message[bytes - 1] = at / HASH_BYTES + 1
    hmac(expanding, message, bytes)
    for (let index = 0; index < HASH_BYTES && at + index < length; index++) out[at + index] = hash[index]!
    if (at + HASH_BYTES >= length) break
    message.set(hash)
    message.set(info, HASH_BYTES)
  }
  return out
}

function isLastSalt(salt: Uint8Array): boolean {
  if (salt.length !== lastSaltBytes) return false
  for (let index = 0; index < lastSaltBytes; index++) if (salt[index] !== lastSalt[index]) return false
  return true
}

function extractWith(salt: Uint8Array): void {
  hmacKey(salt, extracting)
  lastSalt.set(salt)
  lastSaltBytes = salt.length
}

/** What HMAC-SHA1, RFC 2104, begins with for this key. */
function hmacKey(key: Uint8Array, { inner, outer }: HmacStates): void {
  if (key.length > BLOCK_BYTES) throw new RangeError(`a key of ${key.length} bytes, over ${BLOCK_BYTES}`)
  padKey(key, INNER_PAD, inner)
  padKey(key, OUTER_PAD, outer)
}

function padKey(key: Uint8Array, pad: number, into: Int32Array): void {
  load(key, key.length)
  for (let index = 0; index < 16; index++) words[index]! ^= pad
  into.set(INITIAL)
  compress(into)
}

/** Of the first bytes of a text; the result is in `hash`. */
function hmac({ inner, outer }: HmacStates, text: Uint8Array, bytes: number): void {
  checkMessage(bytes)
  load(text, bytes)
  words[bytes >> 2]! |= 0x80 << (24 - (bytes & 3) * 8)
  finish(inner, bytes)
  words.fill(0, HASH_WORDS, 16)
  words.set(state)
  words[HASH_WORDS] = 0x80 << 24
  finish(outer, HASH_BYTES)
  for (let index = 0; index < HASH_BYTES; index++) hash[index] = state[index >> 2]! >> (24 - (index & 3) * 8)
}

function checkMessage(bytes: number): void {
  if (bytes > MAX_MESSAGE) throw new RangeError(`${bytes} bytes, over ${MAX_MESSAGE}`)
}

/** Puts bytes at the start of an empty block. */
function load(bytes: Uint8Array, length: number): void {
  words.fill(0, 0, 16)
  for (let index = 0; index < length; index++) {
    words[index >> 2]! |= bytes[index]! << (24 - (index & 3) * 8)
  }
}

/** The last block, of so many bytes, which comes behind the one that led to `start`. */
function finish(start: Int32Array, bytes: number): void {
  words[15] = (BLOCK_BYTES + bytes) * 8
  state.set(start)
  compress(state)
}

/** FIPS 180-4 §6.1.2: four times twenty rounds, each with a function and a constant of its own. */
function compress(into: Int32Array): void {
  for (let index = 16; index < 80; index++) {
    const word = words[index - 3]! ^ words[index - 8]! ^ words[index - 14]! ^ words[index - 16]!
    words[index] = (word << 1) | (word >>> 31)
  }
  let a = into[0]!
  let b = into[1]!
  let c = into[2]!
  let d = into[3]!
  let e = into[4]!
  let next = 0
  for (let index = 0; index < 20; index++) {
    next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + 0x5a827999 + words[index]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (let index = 20; index < 40; index++) {
    next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + words[index]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (let index = 40; index < 60; index++) {
    next = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + 0x8f1bbcdc + words[index]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  for (let index = 60; index < 80; index++) {
    next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + words[index]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  into[0]! += a
  into[1]! += b
  into[2]! += c
  into[3]! += d
  into[4]! += e
}
