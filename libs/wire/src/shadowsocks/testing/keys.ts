import { type SsKey, ssKey } from '../key.ts'
import { SS_METHOD_NAMES, type SsMethod, ssMethod } from '../method.ts'

/** Any key of the method, the same for the same number. */
export function keyOf(name: string, number = 0): SsKey {
  const method = ssMethod(name)!
  if (method.kind !== '2022') return ssKey(method, `password ${number}`)
  return { method, bytes: Uint8Array.from({ length: method.keyBytes }, (_, index) => index + number) }
}

/** `size` bytes that count up from `first`. */
export const counted = (size: number, first = 0): Uint8Array =>
  Uint8Array.from({ length: size }, (_, index) => first + index)

/** The names of the methods of these kinds. */
export const methodsOf = (...kinds: SsMethod['kind'][]): string[] =>
  SS_METHOD_NAMES.filter((name) => kinds.includes(ssMethod(name)!.kind))
