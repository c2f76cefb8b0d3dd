/** Whoever can be picked, with its share and how far it is in its turn. */
export interface Weighted {
  readonly weight: number
  credit: number
}

/**
 * Who comes next of those that can: smooth weighted round robin, as nginx does it. Everybody earns their weight, the
 * richest is picked and pays what all have earned; so 5:1:1 gives a a b a c a a and not five a in a row.
 */
export const roundRobin = <T extends Weighted>(candidates: readonly T[]): T | undefined => {
  let best: T | undefined
  let earned = 0
  for (const candidate of candidates) {
    candidate.credit += candidate.weight
    earned += candidate.weight
    if (best === undefined || candidate.credit > best.credit) best = candidate
  }
  if (best !== undefined) best.credit -= earned
  return best
}
