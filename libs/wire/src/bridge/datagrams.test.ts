import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DATAGRAM_HEAD_BYTES, MAX_STREAM_DATAGRAM, StreamDatagrams, writeDatagramHead } from './index.ts'

const framed = (datagram: Uint8Array): Buffer => {
  const head = Buffer.alloc(DATAGRAM_HEAD_BYTES)
  writeDatagramHead(head, 0, datagram.length)
  return Buffer.concat([head, datagram])
}

const read = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const taken: Buffer[] = []
  const reader = new StreamDatagrams((datagram) => void taken.push(Buffer.from(datagram)))
  let at = 0
  for (let i = 0; at < bytes.length; i += 1) {
    const piece = Buffer.from(bytes.subarray(at, at + cuts[i % cuts.length]!))
    reader.push(piece)
    piece.fill(0xdd)
    at += piece.length
  }
  return taken
}

test('datagrams of any size come whole, in whatever pieces they were carried', () => {
  const datagrams = fc.array(fc.uint8Array({ maxLength: 600, size: 'max' }), { maxLength: 8 })
  const cuts = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 })
  fc.assert(
    fc.property(datagrams, cuts, (list, sizes) => {
      expect(read(Buffer.concat(list.map(framed)), sizes)).toEqual(list.map((each) => Buffer.from(each)))
    }),
  )
})

test('the longest one has 65,535 octets', () => {
  const longest = Buffer.alloc(MAX_STREAM_DATAGRAM, 7)
  expect(framed(longest).subarray(0, 2)).toEqual(Buffer.of(0xff, 0xff))
  expect(read(framed(longest), [1000])).toEqual([longest])
})
