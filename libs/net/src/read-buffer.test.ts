import { afterEach, expect, it } from 'vitest'
import { LARGEST_READ, ReadBuffer } from './read-buffer.ts'

const KIB = 1024
const made: ReadBuffer[] = []
const make = (): ReadBuffer => {
  const buffer = new ReadBuffer()
  made.push(buffer)
  return buffer
}
const full = (buffer: ReadBuffer, limit = LARGEST_READ): number =>
  buffer.next(buffer.bytes.length, limit).length
const grown = (buffer: ReadBuffer): ReadBuffer => {
  full(buffer)
  full(buffer)
  return buffer
}

afterEach(() => {
  for (const buffer of made.splice(0)) buffer.release()
})

it('grows while reads fill it', () => {
  const buffer = make()
  expect([full(buffer), full(buffer), full(buffer)]).toEqual([64 * KIB, 512 * KIB, 512 * KIB])
})

it('keeps the buffer that it has while nothing calls for another', () => {
  const buffer = make()
  const { bytes } = buffer
  expect(buffer.next(100, LARGEST_READ)).toBe(bytes)
})

it('brings what was read: a copy while the buffer is shared, the buffer itself once it is its own', () => {
  const [one, other] = [make(), make()]
  expect(one.bytes).toBe(other.bytes)
  one.bytes.set([1, 2, 3])
  const chunk = one.chunk(3)
  other.bytes.set([4, 5, 6])
  expect([...chunk]).toEqual([1, 2, 3])
  full(one)
  expect(one.chunk(64 * KIB)).toBe(one.bytes)
  expect(one.chunk(5).buffer).toBe(one.bytes.buffer)
})

it('grows no further than the limit, and goes back below one that is new', () => {
  const buffer = make()
  expect([full(buffer, 64 * KIB), full(buffer, 64 * KIB)]).toEqual([64 * KIB, 64 * KIB])
  expect(full(buffer)).toBe(512 * KIB)
  expect(buffer.next(1, 64 * KIB).length).toBe(64 * KIB)
  expect([full(buffer, 1), full(buffer, 1)]).toEqual([16 * KIB, 16 * KIB])
})

it('shrinks after 32 small reads in a row, one step at a time', () => {
  const buffer = grown(make())
  const small = (times: number): number => {
    for (let i = 0; i < times; i++) buffer.next(1000, LARGEST_READ)
    return buffer.bytes.length
  }
  expect(small(31)).toBe(512 * KIB)
  buffer.next(256 * KIB, LARGEST_READ)
  expect([small(31), small(1)]).toEqual([512 * KIB, 64 * KIB])
  expect([small(32), small(100)]).toEqual([16 * KIB, 16 * KIB])
})

it('all together hold 64 MiB at the most above the smallest size, and give it back', () => {
  const total = (): number =>
    made
      .map(({ bytes }) => bytes.length)
      .filter((size) => size > 16 * KIB)
      .reduce((a, b) => a + b, 0)
  const twice = grown(make())
  twice.release()
  twice.release()
  made.splice(0)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 200; i++) grown(make())
    expect(total()).toBe(64 * KIB * KIB)
    expect(full(grown(make()))).toBe(16 * KIB)
    for (const buffer of made.splice(0)) buffer.release()
  }
})
