import { expect, it } from 'vitest'
import { RecentSalts } from './recent-salts.ts'
import { countUp } from '../testing/ss-codecs.ts'

const [a, b, c] = [countUp(16), countUp(16, 1), countUp(32)] as const

it.each<[what: string, trace: [nowMs: number, salt: Uint8Array, isNew: boolean][]]>([
  [
    'a salt once',
    [
      [5, a, true],
      [5, a, false],
      [6, a, false],
    ],
  ],
  [
    'each salt by itself',
    [
      [5, a, true],
      [5, b, true],
      [5, c, true],
      [5, b, false],
    ],
  ],
  [
    'none again within 61 s',
    [
      [0, a, true],
      [61_000, a, false],
    ],
  ],
  [
    'none again within 61 s, wherever the minute turns',
    [
      [0, a, true],
      [61_000, b, true],
      [62_000, c, true],
      [122_000, b, false],
    ],
  ],
  [
    'none again within 61 s, however often the minute turns',
    [
      [0, b, true],
      [59_999, a, true],
      [60_000, c, true],
      [120_000, c, false],
      [120_999, a, false],
    ],
  ],
  [
    'one again after two minutes',
    [
      [0, a, true],
      [62_000, b, true],
      [124_000, a, true],
      [124_000, b, false],
    ],
  ],
  [
    'one again after a long pause',
    [
      [0, a, true],
      [10, b, true],
      [1e9, a, true],
      [1e9, b, true],
      [1e9, a, false],
    ],
  ],
])('takes %s', (_what, trace) => {
  const salts = new RecentSalts()
  expect(trace.map(([nowMs, salt]) => salts.add(salt, nowMs))).toEqual(trace.map(([, , isNew]) => isNew))
})

it('takes no more than its capacity until the minute has turned', () => {
  const salts = new RecentSalts({ capacity: 3 })
  const add = (first: number, nowMs: number): boolean => salts.add(countUp(16, first), nowMs)
  expect([1, 2, 3, 4].map((first) => add(first, 0))).toEqual([true, true, true, false])
  expect([add(4, 62_000), salts.size]).toEqual([false, 3])
  expect([add(4, 124_000), salts.size]).toEqual([true, 1])
})

it('takes a salt once for each key', () => {
  const salts = new RecentSalts()
  expect([salts.add(a, 0, 'ada'), salts.add(a, 0, 'bob'), salts.add(a, 70_000, 'ada')]).toEqual([
    true,
    true,
    false,
  ])
})

it('leaves room for others, whoever takes all that they can get', () => {
  const salts = new RecentSalts({ capacity: 1000 })
  const taken = (whose: string): number => {
    let count = 0
    while (salts.add(Buffer.from(`${whose} ${count}`), 0, whose)) count += 1
    return count
  }
  const greedy = ['ada', 'bob', 'eve'].map(taken)
  expect(greedy).toEqual([800, 160, 32])
  expect(taken('fay')).toBeGreaterThan(0)
  expect(salts.add(Buffer.from('more'), 0, 'ada')).toBe(false)
  expect(salts.add(Buffer.from('more'), 200_000, 'ada')).toBe(true)
  expect(salts.size).toBe(1)
})

it('does not keep the memory of the bytes', () => {
  const salts = new RecentSalts()
  const bytes = Uint8Array.from(a)
  salts.add(bytes, 0)
  bytes.fill(0)
  expect(salts.add(a, 0)).toBe(false)
})
