import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../testing/code-of.ts'
import { hex, utf8 } from '../testing/hex.ts'
import { countUp, keyOf } from '../testing/ss-codecs.ts'
import { opened, sealed } from '../testing/ss-streams.ts'
import { ChunkOpener, MAX_CHUNK } from './chunk-opener.ts'
import { SS_METHOD_NAMES, ssMethod } from './method.ts'
import { createPieces } from './piece.ts'
import { TAG_BYTES } from './node-aead.ts'
import { ResponseOpener } from './response-opener.ts'
import { createSealer } from './sealer.ts'
import { sessionKey } from './session-key.ts'

const REQUEST_SALT = countUp(32, 100)
const SEALING = SS_METHOD_NAMES.filter((name) => ssMethod(name)!.tagBytes > 0)

/** Both ends of what a server answers. */
function pair(name: string) {
  const key = keyOf(name)
  const { saltBytes, kind } = key.method
  const requestSalt = REQUEST_SALT.subarray(0, saltBytes)
  const response = kind === '2022' ? { requestSalt, now: () => 1_700_000_000_999 } : undefined
  return {
    key,
    sealer: createSealer(key, countUp(saltBytes), response),
    opener: new ResponseOpener(key, requestSalt),
  }
}

/** Bytes that differ from their neighbours, cheaper than random ones. */
const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 167) >> 3)

describe.each(SS_METHOD_NAMES)('%s', (name) => {
  it('comes back byte by byte', () => {
    const { sealer, opener } = pair(name)
    const plain = pattern(2000)
    const bytes = Buffer.concat([
      sealed(sealer, plain.subarray(0, 1500)),
      sealed(sealer, plain.subarray(1500)),
    ])
    expect(opened(opener, bytes, [1])).toEqual(plain)
  })

  it('comes back however it was cut, and never needs more room than it asked for', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 8 })
    const lengths = fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 3 })
    fc.assert(
      fc.property(lengths, sizes, (lengths, sizes) => {
        const { sealer, opener } = pair(name)
        const plains = lengths.map(pattern)
        const bytes = Buffer.concat(plains.map((plain) => sealed(sealer, plain)))
        expect(Buffer.compare(opened(opener, bytes, sizes), Buffer.concat(plains))).toBe(0)
      }),
      { numRuns: name.startsWith('xchacha') ? 5 : 25 },
    )
  })

  it('makes nothing of nothing', () => {
    expect(sealed(pair(name).sealer, new Uint8Array(0))).toHaveLength(0)
  })
})

describe('chunks', () => {
  it.each([
    ['aes-256-gcm', 0x3fff],
    ['2022-blake3-aes-256-gcm', 0xffff],
  ])('of %s hold at most %i bytes', (name, max) => {
    const { key, sealer } = pair(name)
    const head = key.method.kind === '2022' ? 32 + 43 + 16 : 32
    const first = head + (key.method.kind === '2022' ? 0 : 18) + max + 16
    expect(sealer.room(max)).toBeGreaterThanOrEqual(first)
    expect(sealed(sealer, pattern(max))).toHaveLength(first)
    expect(sealed(sealer, pattern(max))).toHaveLength(18 + max + 16)
    expect(sealed(sealer, pattern(max + 1))).toHaveLength(18 + max + 16 + 18 + 1 + 16)
  })

  it.each(SEALING)('of %s are cut anywhere', (name) => {
    const plain = pattern(40)
    const { sealer } = pair(name)
    const bytes = Buffer.concat([sealed(sealer, plain.subarray(0, 25)), sealed(sealer, plain.subarray(25))])
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(opened(pair(name).opener, bytes, [cut, bytes.length])).toEqual(plain)
    }
  })

  it.each(SEALING)('of %s are refused with any byte changed', (name) => {
    const { sealer } = pair(name)
    const bytes = Buffer.concat([sealed(sealer, pattern(20)), sealed(sealer, pattern(5))])
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at]! ^= 0x80
      expect(codeOf(() => opened(pair(name).opener, changed, [bytes.length]))).toBe('WIRE_SEAL')
    }
  })

  it.each(SEALING)('of %s are refused swapped, repeated and left out', (name) => {
    const { sealer, opener } = pair(name)
    const [head, a, b] = ['head', 'aaaa', 'bbbb'].map((text) => sealed(sealer, utf8(text)))
    expect(opened(opener, Buffer.concat([head!, a!, b!]), [7])).toEqual(utf8('headaaaabbbb'))
    for (const parts of [[head!, b!, a!], [head!, a!, a!], [head!, b!], [a!]]) {
      expect(
        codeOf(() => opened(pair(name).opener, Buffer.concat([...parts, new Uint8Array(100)]), [1000])),
      ).toBe('WIRE_SEAL')
    }
  })

  it.each([
    ['aes-128-gcm', '40 00', 'WIRE_LENGTH'],
    ['aes-128-gcm', 'c0 01', 'WIRE_LENGTH'],
    ['aes-128-gcm', '3f ff', undefined],
    ['2022-blake3-aes-128-gcm', 'ff ff', undefined],
  ])('of %s with the length %s: %s', (name, length, code) => {
    const { key } = pair(name)
    const bytes = new Uint8Array(2 + TAG_BYTES)
    createPieces(key.method, sessionKey(key, countUp(16))).seal(hex(length), bytes, 0)
    const pieces = createPieces(key.method, sessionKey(key, countUp(16)))
    const opener = new ChunkOpener(pieces, key.method.kind === '2022' ? MAX_CHUNK['2022'] : MAX_CHUNK.aead)
    expect(codeOf(() => opened(opener, bytes, [100]))).toBe(code)
  })

  it('may be empty', () => {
    const { key } = pair('aes-256-gcm')
    const pieces = createPieces(key.method, sessionKey(key, countUp(32)))
    const bytes = new Uint8Array(32 + 18 + 16 + 18 + 17)
    bytes.set(countUp(32))
    pieces.seal(hex('00 00'), bytes, 32)
    pieces.seal(new Uint8Array(0), bytes, 50)
    pieces.seal(hex('00 01'), bytes, 66)
    pieces.seal(hex('07'), bytes, 84)
    expect(opened(new ResponseOpener(key, REQUEST_SALT), bytes, [13])).toEqual(hex('07'))
  })
})

describe('a response', () => {
  const name = '2022-blake3-aes-256-gcm'

  it('says when it was sealed, and what it answers', () => {
    const { sealer, opener, key } = pair(name)
    const bytes = sealed(sealer, utf8('hello'))
    expect(opened(opener, bytes, [50])).toEqual(utf8('hello'))
    expect(opener.seconds).toBe(1_700_000_000)
    const other = new ResponseOpener(key, countUp(32))
    expect(codeOf(() => opened(other, bytes, [50]))).toBe('WIRE_VALUE')
  })

  it.each(SEALING)('of %s under another key is refused', (name) => {
    const bytes = sealed(pair(name).sealer, utf8('hello'))
    const { key } = pair(name)
    const wrong = { method: key.method, bytes: countUp(key.method.keyBytes, 9) }
    const opener = new ResponseOpener(wrong, REQUEST_SALT.subarray(0, key.method.saltBytes))
    expect(codeOf(() => opened(opener, bytes, [1000]))).toBe('WIRE_SEAL')
  })
})
