import { BufferPool } from '@sluice/net'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { MAX_PLAIN } from '../noise/noise-message.ts'
import { RecordOpener } from './record-opener.ts'
import { RecordSealer } from './record-sealer.ts'

const KEY = Buffer.alloc(32, 7)

const sealed = (sealer: RecordSealer, plain: Uint8Array): Buffer => {
  const out = Buffer.alloc(sealer.room(plain.length))
  expect(sealer.seal(plain, out)).toBe(out.length)
  return out
}
const opened = (opener: RecordOpener, input: Uint8Array): Buffer => {
  const out = Buffer.alloc(opener.room(input.length))
  return out.subarray(0, opener.open(input, out))
}

it('gives back what was sealed, however it is cut', () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { maxLength: 20 })
  fc.assert(
    fc.property(pieces, fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (plains, cuts) => {
      const sealer = new RecordSealer(KEY)
      const all = Buffer.concat([...plains.map((plain) => sealed(sealer, plain)), sealer.end()])
      const opener = new RecordOpener(KEY, new BufferPool())
      const got: Buffer[] = []
      for (let at = 0, turn = 0; at < all.length; turn++) {
        const cut = cuts[turn % cuts.length]!
        expect(opener.ended).toBe(false)
        got.push(opened(opener, all.subarray(at, at + cut)))
        at += cut
      }
      expect(Buffer.concat(got)).toEqual(Buffer.concat(plains))
      expect(opener.ended).toBe(true)
    }),
  )
})

it.each([MAX_PLAIN, MAX_PLAIN + 1, 65_536, 3 * MAX_PLAIN + 5])(
  'cuts %i octets into records of equal size',
  (size) => {
    const plain = Buffer.alloc(size, 'x')
    const bytes = sealed(new RecordSealer(KEY), plain)
    const lengths: number[] = []
    for (let at = 0; at < bytes.length; at += 2 + lengths.at(-1)!) lengths.push(bytes.readUInt16BE(at))
    expect(lengths.length).toBe(Math.ceil(size / MAX_PLAIN))
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(lengths.length)
    expect(opened(new RecordOpener(KEY, new BufferPool()), bytes).equals(plain)).toBe(true)
  },
)

it('takes the buffer of a part back for the next', () => {
  const pool = new BufferPool()
  const opener = new RecordOpener(KEY, pool)
  const bytes = sealed(new RecordSealer(KEY), Buffer.from('hello'))
  opened(opener, bytes.subarray(0, 1))
  opened(opener, bytes.subarray(1))
  const first = pool.take(65_537)
  pool.give(first)
  opened(opener, bytes.subarray(0, 1))
  opener.release()
  expect(pool.take(65_537)).toBe(first)
})

it.each([
  ['changed anywhere', (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte)))],
  ['twice', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
  ['without room for a tag', () => Buffer.concat([Buffer.of(0, 15), Buffer.alloc(15)])],
  ['behind the end', (_: Buffer, end: Uint8Array) => Buffer.concat([end, Buffer.of(0)])],
  ['out of order', (bytes: Buffer, _: Uint8Array, next: Buffer) => Buffer.concat([next, bytes])],
])('opens nothing that comes %s', (_name, change) => {
  const sealer = new RecordSealer(KEY)
  const first = sealed(sealer, Buffer.from('first words'))
  const next = sealed(sealer, Buffer.from('next'))
  const input = change(first, new RecordSealer(KEY).end(), next)
  const error = expect.objectContaining({ code: 'PEER_NOISE' })
  expect(() => opened(new RecordOpener(KEY, new BufferPool()), input)).toThrow(error)
})
