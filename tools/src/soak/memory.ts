/**
 * Growth of a program's memory over the last half of a run, from samples taken at even intervals: the least of the last
 * quarter above the least of the quarter before it, so that garbage that is still to be collected does not count.
 */
export function lateGrowth(samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4)
  if (quarter === 0) return 0
  const last = samples.slice(-quarter)
  const before = samples.slice(-2 * quarter, -quarter)
  return Math.min(...last) - Math.min(...before)
}
