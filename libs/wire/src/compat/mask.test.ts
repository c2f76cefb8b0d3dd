import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { maskCompat } from './mask.ts'

test('every byte is changed by its byte of the key, wherever the bytes lie', () => {
  const at = fc.nat(9)
  const bytes = fc.uint8Array({ maxLength: 1000 })
  fc.assert(
    fc.property(bytes, fc.uint8Array({ minLength: 1, maxLength: 200 }), at, (data, key, offset) => {
      const memory = new Uint8Array(offset + data.length + 5)
      memory.set(data, offset)
      maskCompat(memory.subarray(offset, offset + data.length), key)
      const wanted = data.map((byte, index) => byte ^ key[index % key.length]!)
      expect(memory).toEqual(Uint8Array.of(...new Uint8Array(offset), ...wanted, 0, 0, 0, 0, 0))
    }),
  )
})
