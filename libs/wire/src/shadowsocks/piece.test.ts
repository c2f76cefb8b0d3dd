import { createCipheriv } from 'node:crypto'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countUp } from '../testing/ss-codecs.ts'
import { type SsMethod, SS_METHOD_NAMES, ssMethod } from './method.ts'
import { TAG_BYTES } from './node-aead.ts'
import { createPieces, isFirstLength, SEALED_LENGTH_BYTES } from './piece.ts'

/** What the ciphers that this stands on make of the piece with this nonce. */
function reference({ cipher }: SsMethod, key: Uint8Array, count: number, plain: Uint8Array): Uint8Array {
  const nonce = Buffer.alloc(cipher === undefined ? 24 : 12)
  nonce.writeUInt32LE(count)
  if (cipher === undefined) return xchacha20poly1305(key, nonce).encrypt(plain)
  const sealing = createCipheriv(cipher as 'aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  const parts = [sealing.update(plain), sealing.final(), sealing.getAuthTag()]
  return new Uint8Array(Buffer.concat(parts))
}

const lengthBytes = (length: number): Uint8Array => Uint8Array.of(length >> 8, length)

/** Lengths, and the sizes of other pieces, in any order. */
const operations = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ length: fc.integer({ min: 0, max: 0xffff }) }) },
    fc.record({ plain: fc.uint8Array({ maxLength: 40 }) }),
  ),
  { maxLength: 70, size: 'max' },
)

const methods = SS_METHOD_NAMES.map((name) => ssMethod(name)!).filter(({ tagBytes }) => tagBytes > 0)

describe.each(methods)('$name', (method) => {
  const keys = fc.uint8Array({ minLength: method.keyBytes, maxLength: method.keyBytes })

  it('seals as others do, lengths as well, and opens that again', () => {
    fc.assert(
      fc.property(keys, operations, (key, operations) => {
        const sealer = createPieces(method, key)
        const opener = createPieces(method, key)
        for (const [count, operation] of operations.entries()) {
          const plain = 'plain' in operation ? operation.plain : lengthBytes(operation.length)
          const out = new Uint8Array(3 + plain.length + TAG_BYTES)
          if ('plain' in operation) sealer.seal(plain, out, 3)
          else sealer.sealLength(operation.length, out, 3)
          expect(out.subarray(0, 3)).toEqual(new Uint8Array(3))
          const sealed = out.subarray(3)
          expect(sealed).toEqual(reference(method, key, count, plain))
          if ('length' in operation) expect(opener.openLength(sealed)).toBe(operation.length)
          else {
            const back = new Uint8Array(plain.length)
            expect(opener.open(sealed, back, 0)).toBe(true)
            expect(back).toEqual(plain)
          }
        }
      }),
      { numRuns: method.cipher === undefined ? 20 : 60 },
    )
  })

  it('knows the first length of a direction, if it may be so much', () => {
    const most = 0x3fff
    fc.assert(
      fc.property(keys, keys, fc.integer({ min: 0, max: 0xffff }), (key, other, length) => {
        const sealed = reference(method, key, 0, lengthBytes(length))
        expect(isFirstLength(method, key, sealed, most)).toBe(length <= most)
        fc.pre(Buffer.compare(key, other) !== 0)
        expect(isFirstLength(method, other, sealed, most)).toBe(false)
      }),
      { numRuns: method.cipher === undefined ? 50 : 200 },
    )
    const key = countUp(method.keyBytes)
    const sealed = reference(method, key, 0, lengthBytes(0x1234))
    for (let bit = 0; bit < SEALED_LENGTH_BYTES * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(isFirstLength(method, key, changed, most)).toBe(false)
    }
    expect(isFirstLength(method, key, reference(method, key, 1, lengthBytes(0x1234)), most)).toBe(false)
  })

  it('opens no length with any bit changed, nor another one of the same key', () => {
    const key = countUp(method.keyBytes)
    const out = new Uint8Array(SEALED_LENGTH_BYTES)
    createPieces(method, key).sealLength(0x1234, out, 0)
    for (let bit = 0; bit < SEALED_LENGTH_BYTES * 8; bit++) {
      const changed = Uint8Array.from(out)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(createPieces(method, key).openLength(changed)).toBe(-1)
    }
    const opener = createPieces(method, key)
    expect(opener.openLength(out)).toBe(0x1234)
    expect(opener.openLength(out)).toBe(-1)
    expect(createPieces(method, countUp(method.keyBytes, 1)).openLength(out)).toBe(-1)
  })

  it('counts on where a byte of the nonce is full', () => {
    const key = countUp(method.keyBytes)
    const sealer = createPieces(method, key)
    const opener = createPieces(method, key)
    const sealed = new Uint8Array(SEALED_LENGTH_BYTES)
    const end = method.cipher === 'chacha20-poly1305' ? 66_000 : 1100
    for (let count = 0; count < end; count += 2) {
      const length = (count * 6_700_417) & 0xffff
      const isNearCarry = (count & 0xff) >= 0xfe || (count & 0xff) < 2
      sealer.sealLength(length, sealed, 0)
      if (isNearCarry) expect(sealed).toEqual(reference(method, key, count, lengthBytes(length)))
      if (opener.openLength(sealed) !== length) expect.unreachable()
      const payload = new Uint8Array(TAG_BYTES)
      // A length again where the payload is not looked at: it is cheaper.
      if (isNearCarry) sealer.seal(new Uint8Array(0), payload, 0)
      else sealer.sealLength(0, sealed, 0)
      if (isNearCarry) expect(payload).toEqual(reference(method, key, count + 1, new Uint8Array(0)))
      if (isNearCarry) expect(opener.open(payload, payload, 0)).toBe(true)
      else opener.openLength(sealed)
    }
  })
})
