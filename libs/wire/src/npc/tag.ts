import { WireError } from '../wire-error.ts'

/**
 * Which of `tags`, all of one length, stands at the start.
 * @returns undefined while it may still become one
 * @throws WireError WIRE_VALUE as soon as it cannot
 */
export function readTag<T extends string>(bytes: Uint8Array, tags: readonly T[]): T | undefined {
  const size = Math.min(bytes.length, tags[0]!.length)
  const found = tags.find((tag) => startsWith(bytes, tag, size))
  if (found === undefined) throw new WireError('WIRE_VALUE', `none of ${tags.join(', ')}`)
  return size === found.length ? found : undefined
}

function startsWith(bytes: Uint8Array, tag: string, size: number): boolean {
  for (let at = 0; at < size; at++) if (bytes[at] !== tag.charCodeAt(at)) return false
  return true
}
