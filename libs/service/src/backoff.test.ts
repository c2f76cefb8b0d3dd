import { expect, test } from 'vitest'
import { Backoff } from './backoff.ts'

const MINUTE = 60_000

const open = (failures = 3, maxMs = 5000): { backoff: Backoff; pass(this: void, ms: number): void } => {
  let now = 1
  return { backoff: new Backoff({ failures, maxMs }, () => now), pass: (ms) => void (now += ms) }
}

test('the first failures are free, each further one waits twice as long, up to the longest', () => {
  const { backoff, pass } = open()
  const waits = Array.from({ length: 7 }, () => {
    backoff.failed('a')
    const wait = backoff.waitMs('a')
    pass(wait)
    return wait
  })
  expect(waits).toEqual([0, 0, 1000, 2000, 4000, 5000, 5000])
  expect(backoff.waitMs('b')).toBe(0)
})

test('a wait passes with time', () => {
  const { backoff, pass } = open(1)
  backoff.failed('a')
  pass(400)
  expect(backoff.waitMs('a')).toBe(600)
  pass(600)
  expect(backoff.waitMs('a')).toBe(0)
})

test('a row ends when told so, or when nothing has failed for ten minutes', () => {
  const { backoff, pass } = open()
  expect([backoff.failed('a'), backoff.failed('a')]).toEqual([1, 2])
  backoff.forget('a')
  expect(backoff.failed('a')).toBe(1)
  pass(10 * MINUTE)
  expect(backoff.failed('a')).toBe(2)
  pass(10 * MINUTE + 1)
  expect(backoff.failed('a')).toBe(1)
})

test('a wait longer than ten minutes is no end of the row', () => {
  const { backoff, pass } = open(1, 60 * MINUTE)
  for (let failures = 0; failures < 20; failures += 1) backoff.failed('a')
  pass(60 * MINUTE)
  expect(backoff.waitMs('a')).toBe(0)
  pass(9 * MINUTE)
  expect(backoff.failed('a')).toBe(21)
})

test('nothing waits, and nothing is held, before the first failure', () => {
  const { backoff } = open(1)
  backoff.forget('a')
  expect([backoff.size, backoff.waitMs('a')]).toEqual([0, 0])
})

test('it holds so many keys and no more', () => {
  const { backoff } = open()
  for (let key = 0; key < 100_001; key += 1) backoff.failed(String(key))
  expect(backoff.size).toBe(100_000)
  expect([backoff.failed('1'), backoff.failed('0')]).toEqual([2, 1])
})
