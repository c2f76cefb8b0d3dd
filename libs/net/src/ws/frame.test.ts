import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyMask, decodeFrameHead, frame, frameHead, OPCODE } from './frame.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

describe('decodeFrameHead', () => {
  // RFC 6455 §5.7
  it.each([
    ['an unmasked text', '810548656c6c6f', { fin: true, opcode: 1, length: 5, mask: undefined, size: 2 }],
    [
      'a masked text',
      '818537fa213d7f9f4d5158',
      { fin: true, opcode: 1, length: 5, mask: 0x3d21fa37, size: 6 },
    ],
    ['a first part', '010348656c', { fin: false, opcode: 1, length: 3, mask: undefined, size: 2 }],
    ['a last part', '80026c6f', { fin: true, opcode: 0, length: 2, mask: undefined, size: 2 }],
    ['a ping', '890548656c6c6f', { fin: true, opcode: 9, length: 5, mask: undefined, size: 2 }],
    ['256 octets', '827e0100', { fin: true, opcode: 2, length: 256, mask: undefined, size: 4 }],
    ['64 KiB', '827f0000000000010000', { fin: true, opcode: 2, length: 65_536, mask: undefined, size: 10 }],
  ])('reads the example of %s', (_, bytes, head) => {
    expect(decodeFrameHead(hex(bytes))).toEqual({ ...head, reserved: 0 })
    for (let size = 0; size < head.size; size++) {
      expect(decodeFrameHead(hex(bytes).subarray(0, size))).toBe(undefined)
    }
    expect(decodeFrameHead(Buffer.concat([hex('ffff'), hex(bytes)]), 2)).toEqual({ ...head, reserved: 0 })
  })

  it('takes any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 14 }), (bytes) => {
        const head = decodeFrameHead(bytes)
        if (head !== undefined) expect(head.size).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })
})

describe('frame', () => {
  it('is the example of the RFC', () => {
    expect(frame(OPCODE.TEXT, Buffer.from('Hello')).toString('hex')).toBe('810548656c6c6f')
    expect(frame(OPCODE.TEXT, Buffer.from('Hello'), 0x3d21fa37).toString('hex')).toBe(
      '818537fa213d7f9f4d5158',
    )
  })

  it('is read back, whatever its length, and leaves the payload as it was', () => {
    const sizes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 65_500, max: 65_600 }))
    fc.assert(
      fc.property(sizes, fc.option(fc.integer(), { nil: undefined }), (length, mask) => {
        const payload = Buffer.alloc(length, 'payload')
        const bytes = frame(OPCODE.BINARY, payload, mask)
        const head = decodeFrameHead(bytes)!
        expect(head).toMatchObject({ fin: true, opcode: 2, length, mask })
        applyMask(bytes, head.size, bytes.length, head.mask ?? 0)
        expect(bytes.subarray(head.size).equals(Buffer.alloc(length, 'payload'))).toBe(true)
        if (mask === undefined) expect(frameHead(OPCODE.BINARY, length)).toEqual(bytes.subarray(0, head.size))
        return payload.equals(Buffer.alloc(length, 'payload'))
      }),
    )
  })
})

it('applyMask does piece by piece what octet by octet would, wherever the octets lie', () => {
  const key = hex('f1e2d3c4')
  const pieces = fc.array(fc.nat(100), { maxLength: 8 })
  fc.assert(
    fc.property(fc.nat(16), pieces, (start, sizes) => {
      const total = sizes.reduce((sum, size) => sum + size, 0)
      const bytes = Buffer.alloc(start + total + 5, 'abcdefgh')
      const wanted = Buffer.from(bytes)
      for (let i = 0; i < total; i++) wanted[start + i]! ^= key[i & 3]!
      let [at, mask] = [start, key.readInt32LE()]
      for (const size of sizes) {
        mask = applyMask(bytes, at, at + size, mask)
        at += size
      }
      expect(bytes.equals(wanted)).toBe(true)
    }),
  )
})
