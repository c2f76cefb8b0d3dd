import { afterEach, expect, it } from 'vitest'
import { LARGEST_READ, ReadBuffer } from './read-buffer.ts'

const KIB = 1024
const CHUNK = 0x3fff
const [SMALL, MIDDLE, LARGE] = [CHUNK, 4 * CHUNK, 32 * CHUNK] as const
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
  expect([full(buffer), full(buffer), full(buffer)]).toEqual([MIDDLE, LARGE, LARGE])
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
  expect(one.chunk(MIDDLE)).toBe(one.bytes)
  expect(one.chunk(5).buffer).toBe(one.bytes.buffer)
})

it('grows no further than the limit, and goes back below one that is new', () => {
  const buffer = make()
  expect([full(buffer, MIDDLE), full(buffer, MIDDLE)]).toEqual([MIDDLE, MIDDLE])
  expect(full(buffer)).toBe(LARGE)
  expect(buffer.next(1, MIDDLE).length).toBe(MIDDLE)
  expect([full(buffer, 1), full(buffer, 1)]).toEqual([SMALL, SMALL])
})

it('shrinks after 32 small reads in a row, one step at a time', () => {
  const buffer = grown(make())
  const small = (times: number): number => {
    for (let i = 0; i < times; i++) buffer.next(1000, LARGEST_READ)
    return buffer.bytes.length
  }
  expect(small(31)).toBe(LARGE)
  buffer.next(LARGE / 2, LARGEST_READ)
  expect([small(31), small(1)]).toEqual([LARGE, MIDDLE])
  expect([small(32), small(100)]).toEqual([SMALL, SMALL])
})

it('all together hold 64 MiB at the most above the smallest size, and give it back', () => {
  const total = (): number =>
    made
      .map(({ bytes }) => bytes.length)
      .filter((size) => size > SMALL)
      .reduce((a, b) => a + b, 0)
  const twice = grown(make())
  twice.release()
  twice.release()
  made.splice(0)
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 200; i++) grown(make())
    expect(total()).toBe(128 * LARGE)
    expect(128 * LARGE).toBeLessThanOrEqual(64 * KIB * KIB)
    expect(full(grown(make()))).toBe(SMALL)
    for (const buffer of made.splice(0)) buffer.release()
  }
})
