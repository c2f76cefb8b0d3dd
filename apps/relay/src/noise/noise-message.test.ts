import { expect, it } from 'vitest'
import { encodeNoiseMessage, MAX_MESSAGE, noiseMessageDecoder } from './noise-message.ts'

const decode = noiseMessageDecoder(MAX_MESSAGE)

it.each([0, 1, 255, 256, MAX_MESSAGE])(
  'reads %i octets as they were written, and leaves what follows',
  (size) => {
    const message = new Uint8Array(size).fill(7)
    const bytes = Buffer.concat([encodeNoiseMessage(message), Buffer.of(9)])
    expect(bytes.readUInt16BE()).toBe(size)
    expect(decode(bytes)).toEqual({ value: message, size: size + 2 })
  },
)

it('waits for the whole', () => {
  const bytes = encodeNoiseMessage(new Uint8Array(300))
  for (let size = 0; size < bytes.length; size++) expect(decode(bytes.subarray(0, size))).toBeUndefined()
})

it('refuses more than it was told to take, before it has come', () => {
  const take = noiseMessageDecoder(256)
  expect(take(Buffer.of(1, 0))).toBeUndefined()
  expect(() => take(Buffer.of(1, 1))).toThrow(expect.objectContaining({ code: 'WIRE_TOO_LONG' }))
})
