import { encodeCompatRequest, openCompat } from '@sluice/wire'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { FrameReader } from './frame-reader.ts'
import { HeldBytes, HeldPart } from '../held-bytes.ts'

const frame = (data: Uint8Array): Uint8Array =>
  encodeCompatRequest({ nonce: new Uint8Array(4), key: new Uint8Array(33).fill(7), data })

it('gives each request once, however it is cut', () => {
  const requests = fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(requests, fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1 }), (wanted, sizes) => {
      const reader = new FrameReader(new HeldPart(new HeldBytes(0)))
      const bytes = Buffer.concat(wanted.map(frame))
      const got: Uint8Array[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length]!
        reader.rest = bytes.subarray(at, at + size)
        at += size
        for (let each = reader.take(); each !== undefined; each = reader.take())
          got.push(Uint8Array.from(openCompat(each)))
        expect(reader.rest).toBeUndefined()
      }
      expect(got).toEqual(wanted)
      expect(reader.part).toBe('frame')
    }),
  )
})

it('knows what it waits for', () => {
  const reader = new FrameReader(new HeldPart(new HeldBytes(0)))
  const bytes = frame(new Uint8Array(9))
  const parts = [...bytes].map((byte) => {
    const { part } = reader
    reader.rest = Uint8Array.of(byte)
    reader.take()
    return part
  })
  expect(parts.slice(0, 14)).toEqual([
    'frame',
    ...Array.from({ length: 7 }, () => 'magic'),
    ...Array.from({ length: 4 }, () => 'length'),
    'body',
    'body',
  ])
})

it('takes memory for what has come, and not for what was announced', () => {
  const held = new HeldBytes(100_000)
  const part = new HeldPart(held)
  const reader = new FrameReader(part)
  reader.begin(10_000_000)
  reader.rest = new Uint8Array(16_384)
  reader.take()
  expect(held.bytes).toBe(0)
  reader.rest = new Uint8Array(1)
  reader.take()
  expect(held.bytes).toBe(16_384)
  reader.rest = new Uint8Array(200_000)
  expect(() => reader.take()).toThrow(expect.objectContaining({ code: 'OVERLOADED' }))
  part.clear()
  expect(held.bytes).toBe(0)
})

it('takes a payload of nothing for one', () => {
  const reader = new FrameReader(new HeldPart(new HeldBytes(0)))
  reader.begin(0)
  expect(reader.take()).toEqual(new Uint8Array(0))
})
