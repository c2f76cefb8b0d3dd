import { setTimeout as sleep } from 'node:timers/promises'

/** How many bytes have passed so far. */
export type Count = () => number

/** Windows that are looked at: a busy machine can spoil one, a limit that is wrong is so in all. */
const TRIES = 4

/** Bytes per second of each, from now on for a while. */
const rates = async (counts: readonly Count[], ms: number): Promise<number[]> => {
  const at = performance.now()
  const before = counts.map((count) => count())
  await sleep(ms)
  const seconds = (performance.now() - at) / 1000
  return counts.map((count, index) => (count() - before[index]!) / seconds)
}

/** Bytes per second of each, in the first window of `ms` in which they are as wanted, or else in the last. */
export const ratesOnce = async (
  counts: readonly Count[],
  ms: number,
  areWanted: (rates: readonly number[]) => boolean,
): Promise<number[]> => {
  let seen = await rates(counts, ms)
  for (let tried = 1; tried < TRIES && !areWanted(seen); tried += 1) seen = await rates(counts, ms)
  return seen
}

/** By which part of it a rate misses the one that is wanted. */
export const off = (rate: number, wanted: number): number => Math.abs(rate / wanted - 1)

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
