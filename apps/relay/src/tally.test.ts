import { expect, it } from 'vitest'
import { Tally } from './tally.ts'

it('counts each key, and forgets what there is none of', () => {
  const tally = new Tally()
  for (const key of ['a', 'a', 'b']) tally.add(key)
  expect([tally.of('a'), tally.of('b'), tally.of('c'), tally.size]).toEqual([2, 1, 0, 2])
  for (const key of ['a', 'b']) tally.drop(key)
  expect([tally.of('a'), tally.of('b'), tally.size]).toEqual([1, 0, 1])
  expect(() => tally.drop('b')).toThrow(RangeError)
  expect(tally.of('b')).toBe(0)
})
