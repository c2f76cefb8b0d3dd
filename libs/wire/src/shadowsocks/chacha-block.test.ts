import { createCipheriv } from 'node:crypto'
import { hchacha as nobleHchacha } from '@noble/ciphers/chacha.js'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { hex } from '../testing/hex.ts'
import { chachaBlock, hchacha } from './chacha-block.ts'

const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
const count = fc.oneof(fc.nat(), fc.maxSafeNat())
const wordsOf = (bytes: Uint8Array) => new Int32Array(Uint8Array.from(bytes).buffer)
const bytesOf = (words: Int32Array) => new Uint8Array(words.buffer)

test('a block as node:crypto makes it', () => {
  fc.assert(
    fc.property(key, fc.nat(), count, (key, counter, count) => {
      const iv = Buffer.alloc(16)
      iv.writeUInt32LE(counter)
      iv.writeBigUInt64LE(BigInt(count), 4)
      const out = new Int32Array(16)
      chachaBlock(wordsOf(key), counter, count, out)
      const expected = createCipheriv('chacha20', key, iv).update(new Uint8Array(64))
      expect(bytesOf(out)).toEqual(new Uint8Array(expected))
    }),
  )
})

// draft-irtf-cfrg-xchacha §2.2.1 has a nonce that is no count; this is of @noble/ciphers.
test('a piece key', () => {
  fc.assert(
    fc.property(key, count, (key, count) => {
      const nonce = Buffer.alloc(16)
      nonce.writeBigUInt64LE(BigInt(count))
      const sigma = new Uint32Array(wordsOf(hex('"expand 32-byte k"')).buffer)
      const expected = new Uint32Array(8)
      nobleHchacha(
        sigma,
        new Uint32Array(wordsOf(key).buffer),
        new Uint32Array(wordsOf(nonce).buffer),
        expected,
      )
      const out = new Int32Array(8)
      hchacha(wordsOf(key), count, out)
      expect(out).toEqual(new Int32Array(expected.buffer))
    }),
  )
})
