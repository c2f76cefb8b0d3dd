import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frame, OPCODE } from './frame.ts'
import { EVENT, FrameScan } from './frame-scan.ts'

const MASK = 0x3d21fa37
const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const NAMES = Object.fromEntries(Object.entries(EVENT).map(([name, value]) => [value, name]))

/** What comes of these octets, in portions of the sizes given by turns. */
const scanned = (
  bytes: Uint8Array,
  sizes: readonly number[],
  scan: FrameScan = new FrameScan({ masked: true, maxMessage: 1000 }),
): { payload: string; events: string[] } => {
  let payload = ''
  const events: string[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const chunk = Buffer.from(bytes.subarray(at, at + sizes[i % sizes.length]!))
    at += chunk.length
    for (let next = 0; next < chunk.length;) {
      next = scan.take(chunk, next)
      payload += chunk.toString('latin1', scan.from, scan.to)
      if (scan.event === EVENT.NONE) continue
      events.push(`${NAMES[scan.event]} ${payload.length} ${Buffer.from(scan.control).toString('hex')}`)
      if (scan.event === EVENT.FAILED)
        return { payload, events: [...events, String(scan.failure!.closeCode)] }
    }
  }
  return { payload, events }
}

/** A masked frame with these first octets set otherwise. */
const altered = (bytes: Buffer, first: number): Buffer => {
  bytes[0] = first
  return bytes
}
const message = (text: string): Buffer => frame(OPCODE.BINARY, Buffer.from(text), MASK)
const part = (first: number, text: string): Buffer => altered(message(text), first)

const CONVERSATION = Buffer.concat([
  message('one '),
  part(0x02, 'two '),
  frame(OPCODE.PING, Buffer.from('in between'), MASK),
  part(0x00, ''),
  part(0x80, 'three '),
  message('f'.repeat(300)),
  frame(OPCODE.PONG, Buffer.from(''), MASK),
  message(''),
  frame(OPCODE.CLOSE, hex('03e8'), MASK),
])
const WANTED = {
  payload: `one two three ${'f'.repeat(300)}`,
  events: [`PING 8 ${Buffer.from('in between').toString('hex')}`, 'PONG 314 ', 'END 314 ', 'CLOSE 314 03e8'],
}

describe('FrameScan', () => {
  it('brings the payload, and what else there is in its place', () => {
    expect(scanned(CONVERSATION, [CONVERSATION.length])).toEqual(WANTED)
  })

  it('brings the same when it is split at any octet', () => {
    expect(scanned(CONVERSATION, [1])).toEqual(WANTED)
    for (let at = 1; at < CONVERSATION.length; at++) {
      expect(scanned(CONVERSATION, [at, CONVERSATION.length]), `at ${at}`).toEqual(WANTED)
    }
  })

  it('brings the same in portions of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }), (sizes) => {
        expect(scanned(CONVERSATION, sizes)).toEqual(WANTED)
      }),
    )
  })

  it('moves the payload of all messages in a chunk together', () => {
    const chunk = Buffer.concat([message('a'.repeat(10)), message('b'.repeat(200)), message('c')])
    const scan = new FrameScan({ masked: true, maxMessage: 1000 })
    expect(scan.take(chunk, 0)).toBe(chunk.length)
    expect(chunk.toString('latin1', scan.from, scan.to)).toBe(`${'a'.repeat(10)}${'b'.repeat(200)}c`)
  })

  it('reads what a server sends without a mask', () => {
    const scan = new FrameScan({ masked: false, maxMessage: 1000 })
    expect(scanned(frame(OPCODE.BINARY, Buffer.from('plain')), [3], scan).payload).toBe('plain')
  })

  it.each([
    ['a text', altered(message('x'), 0x81), '1003'],
    ['a compressed message (RSV1)', altered(message('x'), 0xc2), '1002'],
    ['RSV3', altered(message('x'), 0x92), '1002'],
    ['no mask', frame(OPCODE.BINARY, Buffer.from('x')), '1002'],
    ['an unknown opcode', altered(message('x'), 0x83), '1002'],
    ['an unknown control opcode', altered(message('x'), 0x8b), '1002'],
    ['a ping in parts', altered(message('x'), 0x09), '1002'],
    ['a ping that is too long', altered(message('x'.repeat(126)), 0x89), '1002'],
    ['a continuation of nothing', part(0x80, 'x'), '1002'],
    ['a message within a message', Buffer.concat([part(0x02, 'x'), message('y')]), '1002'],
    ['a message behind the end', Buffer.concat([message(''), message('y')]), '1002'],
    ['a message that is too long', message('x'.repeat(1001)), '1009'],
    ['parts that are too long', Buffer.concat([part(0x02, 'x'.repeat(999)), part(0x80, 'yy')]), '1009'],
    ['a length that no number holds', hex('82ffffffffffffffffff00000000'), '1009'],
  ])('refuses %s, for good', (_, bytes, code) => {
    const scan = new FrameScan({ masked: true, maxMessage: 1000 })
    expect(scanned(Buffer.concat([message('good '), bytes]), [5], scan).events.at(-1)).toBe(code)
    expect(scanned(message('more'), [5], scan)).toEqual({ payload: '', events: ['FAILED 0 ', code] })
  })

  it('takes a message of the very length that is allowed', () => {
    expect(scanned(message('x'.repeat(1000)), [64]).payload).toHaveLength(1000)
  })

  it('takes any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (bytes, size) => {
        scanned(bytes, [size])
      }),
    )
  })
})
