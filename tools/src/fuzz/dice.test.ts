import { expect, it } from 'vitest'
import { Dice } from './dice.ts'
import { mutate } from './mutation.ts'

const SAMPLE = Uint8Array.from({ length: 40 }, (_, at) => at)
const mutations = (seed: number): string[] => {
  const dice = new Dice(seed)
  return Array.from({ length: 200 }, () => Buffer.from(mutate(dice, SAMPLE)).toString('hex'))
}

it('says the same for the same seed, and something else for every other', () => {
  const said = [0, 1, 2, 2 ** 31, 2 ** 32 - 1].map((seed) =>
    Buffer.from(new Dice(seed).bytes(20)).toString('hex'),
  )
  expect(new Set(said).size).toBe(said.length)
  expect(Buffer.from(new Dice(2).bytes(20)).toString('hex')).toBe(said[2])
})

it('gives every number below the end about as often', () => {
  const dice = new Dice(7)
  const counts = [0, 0, 0, 0, 0]
  for (let i = 0; i < 5000; i += 1) counts[dice.below(5)]! += 1
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
})

it('refuses to pick from nothing', () => {
  expect(() => new Dice(1).pick([])).toThrow(RangeError)
})

it('mutates a copy: shorter, longer, other bytes, and the same again for the same seed', () => {
  const before = Uint8Array.from(SAMPLE)
  const seen = mutations(3)
  expect(SAMPLE).toEqual(before)
  expect(seen).toEqual(mutations(3))
  expect(new Set(seen).size).toBeGreaterThan(180)
  expect(seen.some((hex) => hex.length < 70)).toBe(true)
  expect(seen.some((hex) => hex.length > 2000)).toBe(true)
})
