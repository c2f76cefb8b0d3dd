/** "expand 32-byte k". */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

/**
 * A block of ChaCha20 key stream, RFC 8439 §2.3.
 * @param key eight words
 * @param count the nonce as a number; its last four bytes are 0
 * @param out gets the sixteen words
 */
export function chachaBlock(key: Int32Array, counter: number, count: number, out: Int32Array): void {
  out.set(CONSTANTS)
  out.set(key, 4)
  const low = count | 0
  const high = (count / 0x1_0000_0000) | 0
  out[12] = counter
  out[13] = low
  out[14] = high
  out[15] = 0
  permute(out)
  for (let index = 0; index < 4; index++) out[index]! += CONSTANTS[index]!
  for (let index = 0; index < 8; index++) out[index + 4]! += key[index]!
  out[12] += counter
  out[13] += low
  out[14] += high
}

/**
 * The key of one piece of XChaCha20, draft-irtf-cfrg-xchacha §2.2.
 * @param key eight words
 * @param count the nonce as a number, the other bytes of which are 0
 * @param out gets the eight words
 */
export function hchacha(key: Int32Array, count: number, out: Int32Array): void {
  const state = new Int32Array(16)
  state.set(CONSTANTS)
  state.set(key, 4)
  state[12] = count
  state[13] = count / 0x1_0000_0000
  permute(state)
  out.set(state.subarray(0, 4))
  out.set(state.subarray(12), 4)
}

/** Twenty rounds. Written out, as a loop over indices takes several times as long. */
function permute(state: Int32Array): void {
  let x0 = state[0]!
  let x1 = state[1]!
  let x2 = state[2]!
  let x3 = state[3]!
  let x4 = state[4]!
  let x5 = state[5]!
  let x6 = state[6]!
  let x7 = state[7]!
  let x8 = state[8]!
  let x9 = state[9]!
  let x10 = state[10]!
  let x11 = state[11]!
  let x12 = state[12]!
  let x13 = state[13]!
  let x14 = state[14]!
  let x15 = state[15]!
  for (let round = 0; round < 10; round++) {
    x0 = (x0 + x4) | 0
    x12 = rotate(x12 ^ x0, 16)
    x8 = (x8 + x12) | 0
    x4 = rotate(x4 ^ x8, 12)
    x0 = (x0 + x4) | 0
    x12 = rotate(x12 ^ x0, 8)
    x8 = (x8 + x12) | 0
    x4 = rotate(x4 ^ x8, 7)
    x1 = (x1 + x5) | 0
    x13 = rotate(x13 ^ x1, 16)
    x9 = (x9 + x13) | 0
    x5 = rotate(x5 ^ x9, 12)
    x1 = (x1 + x5) | 0
    x13 = rotate(x13 ^ x1, 8)
    x9 = (x9 + x13) | 0
    x5 = rotate(x5 ^ x9, 7)
    x2 = (x2 + x6) | 0
    x14 = rotate(x14 ^ x2, 16)
    x10 = (x10 + x14) | 0
    x6 = rotate(x6 ^ x10, 12)
    x2 = (x2 + x6) | 0
    x14 = rotate(x14 ^ x2, 8)
    x10 = (x10 + x14) | 0
    x6 = rotate(x6 ^ x10, 7)
    x3 = (x3 + x7) | 0
    x15 = rotate(x15 ^ x3, 16)
    x11 = (x11 + x15) | 0
    x7 = rotate(x7 ^ x11, 12)
    x3 = (x3 + x7) | 0
    x15 = rotate(x15 ^ x3, 8)
    x11 = (x11 + x15) | 0
    x7 = rotate(x7 ^ x11, 7)
    x0 = (x0 + x5) | 0
    x15 = rotate(x15 ^ x0, 16)
    x10 = (x10 + x15) | 0
    x5 = rotate(x5 ^ x10, 12)
    x0 = (x0 + x5) | 0
    x15 = rotate(x15 ^ x0, 8)
    x10 = (x10 + x15) | 0
    x5 = rotate(x5 ^ x10, 7)
    x1 = (x1 + x6) | 0
    x12 = rotate(x12 ^ x1, 16)
    x11 = (x11 + x12) | 0
    x6 = rotate(x6 ^ x11, 12)
    x1 = (x1 + x6) | 0
    x12 = rotate(x12 ^ x1, 8)
    x11 = (x11 + x12) | 0
    x6 = rotate(x6 ^ x11, 7)
    x2 = (x2 + x7) | 0
    x13 = rotate(x13 ^ x2, 16)
    x8 = (x8 + x13) | 0
    x7 = rotate(x7 ^ x8, 12)
    x2 = (x2 + x7) | 0
    x13 = rotate(x13 ^ x2, 8)
    x8 = (x8 + x13) | 0
    x7 = rotate(x7 ^ x8, 7)
    x3 = (x3 + x4) | 0
    x14 = rotate(x14 ^ x3, 16)
    x9 = (x9 + x14) | 0
    x4 = rotate(x4 ^ x9, 12)
    x3 = (x3 + x4) | 0
    x14 = rotate(x14 ^ x3, 8)
    x9 = (x9 + x14) | 0
    x4 = rotate(x4 ^ x9, 7)
  }
  state[0] = x0
  state[1] = x1
  state[2] = x2
  state[3] = x3
  state[4] = x4
  state[5] = x5
  state[6] = x6
  state[7] = x7
  state[8] = x8
  state[9] = x9
  state[10] = x10
  state[11] = x11
  state[12] = x12
  state[13] = x13
  state[14] = x14
  state[15] = x15
}
