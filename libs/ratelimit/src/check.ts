/** Holds a number of the caller's to its range, because one NaN would poison a bucket for good. */
export function checkAmount(
  name: string,
  value: number,
  range: { least?: number; most?: number } = {},
): void {
  const { least = 0, most = Number.MAX_VALUE } = range
  if (value >= least && value <= most) return
  throw new RangeError(`${name} must be a number from ${least} to ${most}, not ${value}`)
}
