import { expect, it } from 'vitest'
import { Line } from './line.ts'

it('lets as many run as it may, the others in the order in which they came', () => {
  const line = new Line(2, 2)
  const started: string[] = []
  const starts = ['a', 'b', 'c', 'd', 'e'].map((name) => (): void => void started.push(name))
  expect(starts.map((start) => line.enter(start))).toEqual([true, true, true, true, false])
  expect(started).toEqual(['a', 'b'])
  line.done()
  expect(started).toEqual(['a', 'b', 'c'])
  line.done()
  line.done()
  line.done()
  expect(started).toEqual(['a', 'b', 'c', 'd'])
  expect([line.enter(starts[4]!), started.at(-1)]).toEqual([true, 'e'])
})

it('forgets who leaves while waiting, and only them', () => {
  const line = new Line(1, 2)
  const started: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((name) => (): void => void started.push(name))
  for (const start of [a, b, c]) line.enter(start!)
  expect([line.leave(a!), line.leave(b!), line.leave(b!)]).toEqual([false, true, false])
  line.done()
  expect(started).toEqual(['a', 'c'])
})
