import { expect, it } from 'vitest'
import { SlicedSearch } from './sliced-search.ts'

/** A clock that a match moves by 1 ms, of which so much is ours, and turns that the test lets happen. */
const stage = (sliceMs = 3, busy = 1) => {
  let ms = 0
  const turns: (() => void)[] = []
  const waits: number[] = []
  const later = (turn: () => void, wait: number): void => {
    turns.push(turn)
    waits.push(wait)
    ms += wait
  }
  const search = new SlicedSearch({ now: () => ms, cpu: () => ms * busy, later, sliceMs })
  const start = <T>(items: readonly T[], matches: (item: T) => boolean, ip = '192.0.2.1') =>
    search.start(items, matches, ip)
  const seen: number[] = []
  const is = (wanted: number) => (item: number) => {
    ms += 1
    seen.push(item)
    return item === wanted
  }
  const turn = (): void => turns.shift()?.()
  return { search: { start }, seen, turns, waits, is, turn, passed: () => ms }
}
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

it('looks from the end on, so many at a turn', async () => {
  const { search, seen, is, turn, turns } = stage()
  const { found } = search.start(numbers(10), is(5))
  expect([seen, turns.length]).toEqual([[], 1])
  turn()
  expect([seen, turns.length]).toEqual([[9, 8, 7], 1])
  turn()
  expect(await found).toBe(5)
  expect([seen, turns.length]).toEqual([[9, 8, 7, 6, 5], 0])
})

it('finds nothing where nothing is', async () => {
  const { search, is, turn } = stage()
  const [none, empty] = [search.start(numbers(2), is(7)), search.start([], is(0))]
  turn()
  turn()
  expect(await Promise.all([none.found, empty.found])).toEqual([undefined, undefined])
})

it('one turn is no longer however many searches there are', async () => {
  const { search, seen, is, turn, turns } = stage()
  const searches = numbers(4).map(() => search.start([1, 0], is(0)))
  turn()
  expect([seen.length, turns.length]).toEqual([3, 1])
  while (turns.length > 0) turn()
  expect(await Promise.all(searches.map(({ found }) => found))).toEqual([0, 0, 0, 0])
})

it('gives up a search that nobody waits for, under way or waiting', async () => {
  const { search, seen, is, turn, turns } = stage()
  const [under, waiting, last] = [1, 2, 3].map(() => search.start(numbers(5), is(0)))
  turn()
  under!.abandon()
  waiting!.abandon()
  while (turns.length > 0) turn()
  expect(await Promise.all([under!.found, waiting!.found, last!.found])).toEqual([undefined, undefined, 0])
  expect(seen.length).toBe(3 + 5)
})

it('goes on after all were given up', async () => {
  const { search, is, turn, turns } = stage()
  search.start(numbers(5), is(0)).abandon()
  const { found } = search.start([3], is(3))
  expect(turns.length).toBe(1)
  turn()
  expect(await found).toBe(3)
})

it('tells of a failure', async () => {
  const { search, turn, is } = stage()
  const failing = search.start([1], () => {
    throw new Error('broken')
  })
  const next = search.start([1], is(1))
  turn()
  await expect(failing.found).rejects.toThrow('broken')
  turn()
  expect(await next.found).toBe(1)
})

it('lets 1,024 wait, and finds nothing for who comes then', async () => {
  const { search, is } = stage()
  for (let i = 0; i < 1024; i++) search.start([1], is(1))
  expect(await search.start([1], is(1)).found).toBeUndefined()
})

it('lets who comes from a network of few take the place of the last of the network of most', async () => {
  const { search, is, turn, turns } = stage(1)
  const flood = numbers(1024).map((index) => search.start([1], is(1), `192.0.2.${index % 256}`))
  const newcomer = search.start([1], is(1), '198.51.100.1')
  expect(await flood.at(-1)!.found).toBeUndefined()
  expect(await search.start([1], is(1)).found).toBeUndefined()
  for (let left = 2; left > 0; left--) turn()
  expect([await newcomer.found, await flood[0]!.found]).toEqual([1, 1])
  while (turns.length > 0) turn()
  expect(await Promise.all(flood.slice(0, -1).map(({ found }) => found))).toEqual(numbers(1023).fill(1))
})

it('gives each network a turn, however many searches the others have', async () => {
  const { search, seen, is, turn } = stage(3)
  for (let i = 0; i < 100; i++) void search.start(numbers(5), is(-1), '2001:db8:1::1')
  const { found } = search.start([20, 21, 22, 23], is(20), '2001:db8:2::1')
  for (let left = 4; left > 0; left--) turn()
  expect(await found).toBe(20)
  expect(seen).toEqual([4, 3, 2, 23, 22, 21, 1, 0, 20, 4, 3, 2].slice(0, seen.length))
})

it('takes a fifth of the time in the long run, and none from the first', async () => {
  const { search, turns, waits, is, turn, passed } = stage(4)
  const { found } = search.start(numbers(2000), is(-1))
  while (turns.length > 0) turn()
  expect(await found).toBeUndefined()
  expect(waits.findIndex((wait) => wait > 0)).toBeGreaterThan(200 / 4)
  expect(passed()).toBeGreaterThan((2000 - 250) * 5)
})

it('is not charged for time that others have the processor', async () => {
  const { search, turns, waits, is, turn } = stage(4, 0.1)
  const { found } = search.start(numbers(2000), is(-1))
  while (turns.length > 0) turn()
  expect([await found, waits.filter((wait) => wait > 0)]).toEqual([undefined, []])
})

it('lets the event loop go round between turns', async () => {
  const search = new SlicedSearch({ sliceMs: 0 })
  let ticks = 0
  const tick = (): void => {
    ticks += 1
    if (ticks < 100) setImmediate(tick)
  }
  setImmediate(tick)
  await search.start(numbers(50), () => false, '192.0.2.1').found
  expect(ticks).toBeGreaterThan(20)
})
