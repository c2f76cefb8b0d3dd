import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { hex, utf8 } from '../testing/hex.ts'
import { crc32c } from './crc32c.ts'

// RFC 3720 §B.4 (there in the order of the wire), and the check value of the CRC catalogues.
test.each([
  ['nothing', hex(''), 0],
  ['123456789', utf8('123456789'), 0xe3069283],
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
])('%s', (_, bytes, crc) => {
  expect(crc32c(bytes)).toBe(crc)
})

test('of any length it is what one bit after the other gives', () => {
  const byBits = (bytes: Uint8Array): number => {
    let crc = 0xffffffff
    for (const byte of bytes) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    }
    return ~crc >>> 0
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(crc32c(bytes)).toBe(byBits(bytes))
    }),
  )
})
