import { closest, distance } from 'fastest-levenshtein'

/** The known word that was probably meant, if any is close enough to be a slip of the fingers. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || word.length > 100) return undefined
  const best = closest(word, known)
  return distance(word, best) <= Math.max(2, Math.floor(best.length / 3)) ? best : undefined
}
