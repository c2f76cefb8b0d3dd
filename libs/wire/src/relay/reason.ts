import { encodeText } from '../fields.ts'
import { MAX_REASON_BYTES } from './frame.ts'

/** A text as a frame can carry it: at most 256 octets, blanks for control characters. */
export const relayReason = (text: string): string => {
  const plain = text
    .slice(0, MAX_REASON_BYTES)
    .replaceAll(/\p{Cc}/gu, ' ')
    .toWellFormed()
  let size = 0
  let end = 0
  for (const char of plain) {
    size += encodeText(char).length
    if (size > MAX_REASON_BYTES) break
    end += char.length
  }
  return plain.slice(0, end)
}
