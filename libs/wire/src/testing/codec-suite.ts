import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Decode, Decoded } from '../decode.ts'
import { WireError } from '../wire-error.ts'
import { codecs } from './codecs.ts'
import { hex } from './hex.ts'

export interface CodecCase<T> {
  readonly decode: Decode<T>
  readonly encode: (value: T) => Uint8Array
  /** Bytes as spaced hex beside their value, in the form that `encode` gives. */
  readonly known: readonly (readonly [bytes: string, value: T])[]
  /** Any value that can be encoded. */
  readonly values: fc.Arbitrary<T>
}

/** The five laws of every codec. Its samples come from `codecs`, so a codec that is missing there fails. */
export function codecSuite<T>({ decode, encode, known, values }: CodecCase<T>): void {
  const entry = codecs.find((codec) => codec.decode === decode)
  if (entry === undefined) throw new Error('this codec is missing in testing/codecs.ts')
  const inputs = [...entry.sample, ...known.map(([bytes]) => hex(bytes))]

  describe(`the five laws: ${entry.name}`, () => {
    test.each(known)('known bytes: %s', (text, value) => {
      const bytes = hex(text)
      expect(decode(bytes)).toEqual({ value, size: bytes.length })
      expect(encode(value)).toEqual(bytes)
    })

    test('every proper prefix gives undefined', () => {
      for (const bytes of inputs) {
        for (let end = 0; end < bytes.length; end++) expect(decode(bytes.subarray(0, end))).toBeUndefined()
      }
    })

    test('the tail stays untouched, and no value shares memory with its bytes', () => {
      const tail = hex('00 ff 0d 0a 05')
      for (const bytes of inputs) {
        // A Buffer, since its slice() shares memory where that of Uint8Array copies.
        const input = Buffer.concat([bytes, tail])
        const decoded = decode(input)
        expect(decoded?.size).toBe(bytes.length)
        expect(input.subarray(bytes.length)).toEqual(Buffer.from(tail))
        input.fill(0xaa)
        expect(decoded).toEqual(decode(bytes))
      }
    })

    test('round trip', () => {
      fc.assert(
        fc.property(values, (value) => {
          const bytes = encode(value)
          expect(decode(bytes)).toEqual({ value, size: bytes.length })
        }),
      )
    })

    test('random bytes give a value, undefined or a WireError, and more bytes never change the verdict', () => {
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), damaged(inputs)), fc.nat(), (bytes, seed) => {
          const whole = verdict(decode, bytes)
          const part = verdict(decode, bytes.subarray(0, seed % (bytes.length + 1)))
          expect(part ?? whole).toEqual(whole)
        }),
        { numRuns: 1000 },
      )
    })
  })
}

/** The value, its size within the bytes; or the code; anything else that is thrown passes through. */
function verdict<T>(decode: Decode<T>, bytes: Uint8Array): Decoded<T> | string | undefined {
  try {
    const decoded = decode(bytes)
    if (decoded === undefined) return undefined
    expect(decoded.size).toBeGreaterThan(0)
    expect(decoded.size).toBeLessThanOrEqual(bytes.length)
    return decoded
  } catch (error) {
    if (error instanceof WireError) return error.code
    throw error
  }
}

/** A valid input with up to four bytes changed, left out or put in: it gets further than noise does. */
function damaged(inputs: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(), remove: fc.nat(2), insert: fc.uint8Array({ maxLength: 2 }) })
  return fc.tuple(fc.constantFrom(...inputs), fc.array(edit, { maxLength: 4 })).map(([input, edits]) => {
    const bytes = [...input]
    for (const { at, remove, insert } of edits) bytes.splice(at % (bytes.length + 1), remove, ...insert)
    return Uint8Array.from(bytes)
  })
}
