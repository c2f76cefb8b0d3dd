import { expect, it } from 'vitest'
import { SlicedSearch } from './sliced-search.ts'

/** A clock that a match moves by 1 ms, and turns that the test lets happen. */
const stage = (sliceMs = 3) => {
  let ms = 0
  const turns: (() => void)[] = []
  const waits: number[] = []
  const later = (turn: () => void, wait: number): void => {
    turns.push(turn)
    waits.push(wait)
    ms += wait
  }
  const search = new SlicedSearch({ now: () => ms, later, sliceMs })
  const seen: number[] = []
  const is = (wanted: number) => (item: number) => {
    ms += 1
    seen.push(item)
    return item === wanted
  }
  const turn = (): void => turns.shift()?.()
  return { search, seen, turns, waits, is, turn, passed: () => ms }
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

it('takes a fifth of the time in the long run, and none from the first', async () => {
  const { search, turns, waits, is, turn, passed } = stage(4)
  const { found } = search.start(numbers(2000), is(-1))
  while (turns.length > 0) turn()
  expect(await found).toBeUndefined()
  expect(waits.findIndex((wait) => wait > 0)).toBeGreaterThan(200 / 4)
  expect(passed()).toBeGreaterThan((2000 - 250) * 5)
})

it('lets the event loop go round between turns', async () => {
  const search = new SlicedSearch({ sliceMs: 0 })
  let ticks = 0
  const tick = (): void => {
    ticks += 1
    if (ticks < 100) setImmediate(tick)
  }
  setImmediate(tick)
  await search.start(numbers(50), () => false).found
  expect(ticks).toBeGreaterThan(20)
})
