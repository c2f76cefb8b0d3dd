import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Two halves of 4 MiB, of which V8 fills one and then copies what is still in use to the other. */
export const YOUNG_BYTES: number = 8 * 1024 * 1024
const LOOK_MS = 1000
/** Arrays of 8 KiB. */
const KEPT_WORDS = 1000
const MOST_KEPT = 1024

const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? Infinity

/** V8 can but double it: more than half of what it should be is near enough. */
const isSmall = (): boolean => youngBytes() <= YOUNG_BYTES / 2

/**
 * Makes the space for young objects as large as it should be, where it is smaller: V8 does so by itself only where it may
 * make it larger still. It grows when enough of what is in it stays in use.
 * @returns whether it is; not where Node was told of a smaller one
 */
export const growYoungSpace = (): boolean => {
  if (!isSmall()) return true
  const kept: number[][] = []
  setFlagsFromString('--semi-space-growth-factor=2')
  while (isSmall() && kept.length < MOST_KEPT) kept.push(Array<number>(KEPT_WORDS).fill(0))
  setFlagsFromString('--semi-space-growth-factor=1')
  return !isSmall()
}

/**
 * Keeps the space for young objects at one size until it is disposed of. In the 1 MiB that V8 begins with, and goes back to
 * after a quiet time, short conns fill it a hundred times in a second, and each time what the conns of that moment hold is
 * copied. In the 16 MiB that it would grow to, little is in the cache of the processor when its turn comes; and thousands
 * of conns that come at once leave it so large.
 */
export const holdYoungSpace = (): Disposable => {
  if (!growYoungSpace()) return { [Symbol.dispose]: () => undefined }
  const looking = setInterval(growYoungSpace, LOOK_MS).unref()
  return { [Symbol.dispose]: () => clearInterval(looking) }
}
