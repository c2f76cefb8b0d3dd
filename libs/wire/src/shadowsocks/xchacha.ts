import { hchacha } from '@noble/ciphers/chacha.js'

/** Of XChaCha20-Poly1305. */
export const XCHACHA_NONCE_BYTES = 24

/** Words of "expand 32-byte k". */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574)
/** Of the nonce, what makes the key. */
const PREFIX_BYTES = 16
const NONCE_BYTES = 12

/**
 * XChaCha20-Poly1305 is ChaCha20-Poly1305 under a key that HChaCha20 makes of the first 16 bytes of its nonce
 * (draft-irtf-cfrg-xchacha-03 §2.3), so that all but this one block is done natively.
 * @param nonce 24 bytes
 */
export function xchachaKey(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const words = new Uint32Array(8)
  hchacha(SIGMA, wordsOf(key), wordsOf(nonce.subarray(0, PREFIX_BYTES)), words)
  return new Uint8Array(words.buffer)
}

/** The nonce under {@link xchachaKey}: 4 zeros and the last 8 of the 24 bytes. */
export function xchachaNonce(nonce: Uint8Array): Uint8Array {
  const short = new Uint8Array(NONCE_BYTES)
  short.set(nonce.subarray(PREFIX_BYTES), NONCE_BYTES - (XCHACHA_NONCE_BYTES - PREFIX_BYTES))
  return short
}

/** A copy, since words must stand at multiples of 4. */
const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(new Uint8Array(bytes).buffer)
