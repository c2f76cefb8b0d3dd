import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SsRequestParts } from './encode-request.ts'
import { address } from '../testing/arbitraries.ts'
import { codeOf } from '../testing/code-of.ts'
import { codecSuite } from '../testing/codec-suite.ts'
import { hex, utf8 } from '../testing/hex.ts'
import { countUp, keyOf, type SsRequestValue, ssRequestCodecs } from '../testing/ss-codecs.ts'
import { decodeSsRequest } from './decode-request.ts'
import { encodeSsRequest } from './encode-request.ts'
import { encodeFixedHeader } from './fixed-header.ts'
import { createPieces } from './piece.ts'
import { createSealer } from './sealer.ts'
import { sessionKey } from './session-key.ts'

const target = { host: 'example.com', port: 80 }
const NOTHING = new Uint8Array(0)

/** Of `example.com:80` and `hello`; those of SIP004 agree with shadowsocks-libev's. */
const VECTORS: Readonly<Record<string, string>> = {
  'shadowsocks request aes-128-gcm': `
    00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f f8 5a 8e f0 ca 29 88 82 ae 2c 98 69 9e 25 fb bc
    1d 6f 3c 0f c8 a2 2d da 49 f5 46 2a 58 5e b7 64 a0 29 98 24 41 ed 57 f5 7c 30 89 53 4f a5 3f 7e
    59 be bc f0 62 35`,
  'shadowsocks request aes-256-gcm': `
    00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f
    26 e8 1b 4b c8 0f 4d a1 07 13 d8 56 e6 e2 1c 18 a2 a8 24 18 15 b0 4c 2d d9 12 51 e2 82 d8 58 99
    29 27 2d 5d 7b fa b5 38 24 92 0c 6a 1c 00 7e b0 bc bf 4a dc c9 30`,
  'shadowsocks request chacha20-ietf-poly1305': `
    00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f
    5d 83 2a 35 78 56 68 9b 69 5b 36 78 2a b3 f1 34 78 c3 ac 89 d4 24 11 94 9f ff 2d e8 a5 e2 63 a0
    62 c9 05 2d a5 e8 43 1f c9 7a 92 66 ac ee 8e 44 d0 8c a1 28 22 22`,
  'shadowsocks request 2022-blake3-aes-128-gcm': `
    ff fe fd fc fb fa f9 f8 f7 f6 f5 f4 f3 f2 f1 f0 41 36 b1 31 4d 0f 26 13 85 6e 1d 0b 84 b3 c2 c3
    17 aa d2 88 e5 97 db 94 64 c2 3a 28 44 43 01 99 95 6b ce ed a5 d5 ac b1 8d d4 da 60 11 70 f0 83
    5b b6 99 a3 64 ca b6 1a cc bb 99 23 eb d7 72 96 a2`,
  'shadowsocks request 2022-blake3-aes-128-gcm with identity': `
    ff fe fd fc fb fa f9 f8 f7 f6 f5 f4 f3 f2 f1 f0 fe a5 c3 a1 a5 e6 72 de 84 b0 c6 9f 6a ec de 1c
    10 96 83 1e 93 63 b6 88 5f 39 06 d9 ae f0 80 00 39 86 cd 62 1b 2e 91 65 95 aa 42 3b e3 fb a7 bf
    04 5b 8e fa b4 c7 68 9d dd 9a 57 6d 8a 9a 05 ff 55 ff 09 fb 4b d2 35 c2 27 dd 9f e2 57 0f 50 4b
    ba`,
  'shadowsocks request 2022-blake3-aes-256-gcm': `
    ff fe fd fc fb fa f9 f8 f7 f6 f5 f4 f3 f2 f1 f0 ef ee ed ec eb ea e9 e8 e7 e6 e5 e4 e3 e2 e1 e0
    46 39 5c e5 3e 4c a8 0d 72 e1 ed f9 41 2c 2e 7d c2 01 58 39 61 f3 71 f8 e6 80 d4 70 61 ff c3 3b
    45 76 ee bc 51 d5 51 ef 5b 00 6b 6b 6e 26 19 e0 92 bf 77 ac 63 db 26 b2 ef a9 1f 0c f8 3e 79 9d
    73`,
  'shadowsocks request 2022-blake3-aes-256-gcm with identity': `
    ff fe fd fc fb fa f9 f8 f7 f6 f5 f4 f3 f2 f1 f0 ef ee ed ec eb ea e9 e8 e7 e6 e5 e4 e3 e2 e1 e0
    c2 e0 e7 88 37 59 44 77 2e 15 72 27 f1 11 f9 da fe 91 1d cc 37 e8 7e d7 1b 93 b9 17 76 da 9c 60
    0c 7d bc 3c b2 1c fb 45 a7 ff 7a a3 c7 99 e7 47 41 5c 98 7d 35 68 5c a2 06 a1 c0 43 db b3 92 4d
    f7 30 42 16 30 60 b8 0f b1 2c fa 70 11 3c 24 88 06`,
}

const vectorOf = (name: string, saltBytes: number): (readonly [string, SsRequestValue])[] => {
  const bytes = VECTORS[name]
  if (bytes === undefined) return []
  const salt = hex(bytes).slice(0, saltBytes)
  const seconds = name.includes('2022') ? 1_700_000_000 : undefined
  return [[bytes, { salt, target, early: utf8('hello'), seconds }]]
}

for (const { name, key, decode, encode } of ssRequestCodecs) {
  const { saltBytes, kind, tagBytes } = key.method
  const salt = fc.uint8Array({ minLength: saltBytes, maxLength: saltBytes })
  const early = fc.uint8Array({ maxLength: tagBytes === 0 ? 0 : 2000 })
  const seconds = kind === '2022' ? fc.nat() : fc.constant(undefined)
  const values = fc.record({ salt, target: address, early, seconds })
  codecSuite({ decode, encode, known: vectorOf(name, saltBytes), values })
}

const request = (method: string, parts: Partial<SsRequestParts> = {}): Uint8Array => {
  const key = keyOf(method)
  const early = utf8('hello')
  return encodeSsRequest(key, countUp(key.method.saltBytes), { target, early, ...parts }).bytes
}

const SEALED = ['aes-128-gcm', 'chacha20-ietf-poly1305', 'xchacha20-ietf-poly1305', '2022-blake3-aes-256-gcm']

describe('a request', () => {
  it.each(SEALED)('of %s is refused with any byte changed', (method) => {
    const key = keyOf(method)
    const bytes = request(method)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at]! ^= 1
      expect(codeOf(() => decodeSsRequest(key)(changed))).toBe('WIRE_SEAL')
    }
  })

  it.each(['aes-256-gcm', '2022-blake3-aes-128-gcm', 'none', 'aes-128-cfb'])(
    'of %s is opened once, however it comes',
    (method) => {
      const decode = decodeSsRequest(keyOf(method))
      const bytes = request(method)
      const size = decodeSsRequest(keyOf(method))(bytes)!.size
      for (let end = 0; end < size; end++) expect(decode(bytes.subarray(0, end))).toBeUndefined()
      expect(decode(bytes)).toMatchObject({ size, value: { target } })
    },
  )

  it('leaves what follows to its opener', () => {
    for (const method of [...SEALED, 'aes-192-cfb', 'none']) {
      const key = keyOf(method)
      const salt = countUp(key.method.saltBytes)
      const { bytes, sealer } = encodeSsRequest(key, salt, { target, padding: 1 })
      const more = new Uint8Array(sealer.room(5))
      const all = Buffer.concat([bytes, more.subarray(0, sealer.seal(utf8('hello'), more))])
      const { value, size } = decodeSsRequest(key)(all)!
      const out = new Uint8Array(value.opener.room(all.length - size))
      expect(value.opener.open(all.subarray(size), out)).toBe(5)
      expect(out.subarray(0, 5)).toEqual(utf8('hello'))
    }
  })

  it('is whole though its early payload fills more than one chunk', () => {
    for (const method of SEALED) {
      const early = new Uint8Array(100_000).fill(7)
      const bytes = request(method, { early })
      const { value, size } = decodeSsRequest(keyOf(method))(bytes)!
      const out = new Uint8Array(value.opener.room(bytes.length - size))
      const written = value.opener.open(bytes.subarray(size), out)
      expect(Buffer.concat([value.early, out.subarray(0, written)])).toEqual(Buffer.from(early))
    }
  })
})

describe('a request of SIP004', () => {
  const key = keyOf('aes-256-gcm')
  const salt = countUp(32)
  const chunks = (parts: readonly Uint8Array[]): Uint8Array => {
    const sealer = createSealer(key, salt)
    const outs = parts.map((part) => {
      const out = new Uint8Array(sealer.room(part.length))
      return out.subarray(0, sealer.seal(part, out))
    })
    return Buffer.concat(outs)
  }

  it('may spread its target over chunks', () => {
    const address = hex('03 0b "example.com" 00 50 "hello"')
    const bytes = chunks([...address].map((byte) => Uint8Array.of(byte)))
    const decoded = decodeSsRequest(key)(bytes)!
    expect(decoded.value).toMatchObject({ target, early: NOTHING })
    expect(bytes.length - decoded.size).toBe(5 * 35)
  })

  it.each([
    ['a chunk over 0x3FFF bytes', '40 00'],
    ['an empty chunk', '00 00'],
  ])('is refused with %s', (_, length) => {
    const sealer = createPieces(key.method, sessionKey(key, salt))
    const bytes = new Uint8Array(50)
    bytes.set(salt)
    sealer.seal(hex(length), bytes, 32)
    expect(codeOf(() => decodeSsRequest(key)(bytes))).toBe('WIRE_LENGTH')
  })

  it.each([
    ['05 00', 'WIRE_ADDRESS_TYPE'],
    ['03 01 00', 'WIRE_ADDRESS'],
  ])('is refused with the target %s', (address, code) => {
    expect(codeOf(() => decodeSsRequest(key)(chunks([hex(address)])))).toBe(code)
  })
})

describe('a request of SIP022', () => {
  const key = keyOf('2022-blake3-aes-128-gcm')
  const salt = countUp(16)
  const seal = (variable: string, type = 0): Uint8Array => {
    const pieces = createPieces(key.method, sessionKey(key, salt))
    const plain = hex(variable)
    const bytes = new Uint8Array(16 + 27 + plain.length + 16)
    bytes.set(salt)
    const header = { type, seconds: 1, requestSalt: NOTHING, length: plain.length }
    pieces.seal(encodeFixedHeader(header), bytes, 16)
    pieces.seal(plain, bytes, 43)
    return bytes
  }

  it.each([
    ['payload', '01 7f 00 00 01 00 50 00 00 "hi"', utf8('hi')],
    ['padding', '01 7f 00 00 01 00 50 00 02 00 00', NOTHING],
    ['padding and payload', '01 7f 00 00 01 00 50 00 02 00 00 "hi"', utf8('hi')],
    ['much padding', `01 7f 00 00 01 00 50 03 84 ${'00 '.repeat(900)}`, NOTHING],
  ])('with %s', (_, variable, early) => {
    const target = { host: '127.0.0.1', port: 80 }
    expect(decodeSsRequest(key)(seal(variable))?.value).toMatchObject({ target, early, seconds: 1 })
  })

  it.each([
    ['neither padding nor payload', '01 7f 00 00 01 00 50 00 00', 'WIRE_VALUE'],
    ['padding that does not fit', '01 7f 00 00 01 00 50 00 03 00 00', 'WIRE_LENGTH'],
    ['no padding length', '01 7f 00 00 01 00 50 00', 'WIRE_LENGTH'],
    ['half an address', '01 7f 00 00', 'WIRE_LENGTH'],
    ['nothing', '', 'WIRE_LENGTH'],
    ['another address type', '02 7f 00 00 01 00 50 00 00 "hi"', 'WIRE_ADDRESS_TYPE'],
  ])('is refused with %s', (_, variable, code) => {
    expect(codeOf(() => decodeSsRequest(key)(seal(variable)))).toBe(code)
  })

  it('is refused where a server made it', () => {
    const bytes = seal('01 7f 00 00 01 00 50 00 00 "hi"', 1)
    expect(codeOf(() => decodeSsRequest(key)(bytes.subarray(0, 43)))).toBe('WIRE_VALUE')
  })
})
