import { expect, it } from 'vitest'
import { lateGrowth } from './memory.ts'
import { Tally } from './tally.ts'

const WHOLE = { clientSent: 100, originGot: 100, originSent: 5000, clientGot: 5000 }
const BROKEN = { clientSent: 900, originGot: 300, originSent: 9_000_000, clientGot: 1_000_000 }

function tally(): Tally {
  const made = new Tally()
  made.add(WHOLE, true)
  made.add(WHOLE, true)
  return made
}

it('wants the very bytes of what ended', () => {
  expect(tally().error({ up: 200, down: 10_000 })).toBeUndefined()
  expect(tally().error({ up: 199, down: 10_000 })).toBe('up 199 instead of 200')
  expect(tally().error({ up: 200, down: 20_000 })).toBe('down 20000 instead of 10000')
})

it('takes of what broke all that arrived, and what may have been on its way', () => {
  const made = tally()
  made.add(BROKEN, false)
  const cases: [up: number, down: number, isRight: boolean][] = [
    [500, 1_010_000, true],
    [499, 1_010_000, false],
    [1100, 1_141_072, true],
    [1101, 1_010_000, false],
    [500, 1_009_999, false],
    [500, 1_141_073, false],
  ]
  for (const [up, down, isRight] of cases)
    expect([up, down, made.error({ up, down }) === undefined]).toEqual([up, down, isRight])
  expect(made.toString()).toBe('2 ended, 1 broken, up 500 to 1100, down 1010000 to 1141072')
})

it.each([
  ['none without samples', [], 0],
  ['what the least of the last quarter is above that of the one before', [1, 1, 1, 1, 50, 30, 95, 90], 60],
  ['nothing for what is collected again', [10, 10, 10, 10, 10, 80, 80, 10], 0],
  ['less than nothing where it shrinks', [90, 90, 90, 90, 50, 60, 40, 45], -10],
])('growth is %s', (_what, samples, growth) => {
  expect(lateGrowth(samples)).toBe(growth)
})
