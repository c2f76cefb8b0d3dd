import { expect, it } from 'vitest'
import { Repeats } from './repeats.ts'

it('tells what is new at once, and what goes on once in a while, with how often it came', () => {
  let now = 0
  const repeats = new Repeats(1000, () => now)
  expect([repeats.due('a'), repeats.due('a'), repeats.due('b')]).toEqual([1, undefined, 1])
  now = 999
  expect(repeats.due('a')).toBeUndefined()
  now = 1000
  expect([repeats.due('a'), repeats.due('a')]).toEqual([3, undefined])
})

it('forgets what was told longest ago when there is too much of it', () => {
  const repeats = new Repeats(1000, () => 0)
  for (let i = 0; i <= 1024; i += 1) expect(repeats.due(`${i}`)).toBe(1)
  expect([repeats.due('1024'), repeats.due('0')]).toEqual([undefined, 1])
})
