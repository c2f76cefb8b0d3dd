import { expect, it } from 'vitest'
import { goOnAsking } from './go-on-asking.ts'

/** Fails when its number is among these, from 1 on. */
const failing = (...numbers: number[]): (() => Promise<void>) => {
  let asked = 0
  return async () => {
    asked += 1
    if (numbers.includes(asked)) throw new Error(`number ${asked}`)
  }
}
const times = (count: number) => (): boolean => count-- > 0

it('goes on as long as it is served, at the first or the second time', async () => {
  expect(await goOnAsking(failing(), times(3))).toEqual({ rounds: 3, flaws: [] })
  expect(await goOnAsking(failing(1, 3), times(2))).toEqual({ rounds: 2, flaws: [] })
})

it('has a flaw where both fail, and tells of both', async () => {
  const { rounds, flaws } = await goOnAsking(failing(2, 3), times(5))
  expect(rounds).toBe(1)
  expect(flaws).toEqual([expect.stringMatching(/not served: .*number 3; before that: .*number 2/)])
})

it('asks when all is over', async () => {
  expect(await goOnAsking(failing(1, 2), times(0))).toMatchObject({ rounds: 0, flaws: [expect.any(String)] })
})
