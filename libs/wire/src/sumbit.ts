import type { Credentials } from './credentials.ts'
import type { Decode } from './decode.ts'
import { decodeLatin1, encodeLatin1 } from './latin1.ts'
import { WireError } from './wire-error.ts'

/** The line with its end. */
const MAX_LINE_BYTES = 1024
/** Spelled like that on the wire. */
const TAG = 'sumbit:'
const LF = 0x0a
/** Blanks separate; control characters have no place in a name or a password. */
// oxlint-disable-next-line no-control-regex
const NOT_A_WORD = /[\u0000-\u0020\u007f]/

/**
 * The line that the original's local end sends before anything else: `sumbit: USER PASS \r\n`. Words are separated by runs of
 * spaces and tabs, more of them may trail, and CRLF or LF ends it. What follows is SOCKS5 or HTTP, often in the same segment.
 *
 * @throws WireError WIRE_SYNTAX, also when there are not exactly two words; WIRE_TOO_LONG over 1 KiB
 */
export const decodeSumbit: Decode<Credentials> = (bytes) => {
  const size = Math.min(bytes.indexOf(LF) + 1 || Infinity, MAX_LINE_BYTES)
  const text = decodeLatin1(bytes, 0, Math.min(size, bytes.length))
  const [username = '', password = ''] = readWords(text)
  if (text.endsWith('\n')) {
    return { value: { username: encodeLatin1(username), password: encodeLatin1(password) }, size }
  }
  if (bytes.length > MAX_LINE_BYTES) throw new WireError('WIRE_TOO_LONG', 'no end of line within 1 KiB')
  return undefined
}

/** @throws WireError WIRE_VALUE for an empty word, a blank or a control character; WIRE_TOO_LONG */
export function encodeSumbit({ username, password }: Credentials): Uint8Array {
  const words = [decodeLatin1(username), decodeLatin1(password)]
  if (words.some((word) => word === '' || NOT_A_WORD.test(word))) {
    throw new WireError('WIRE_VALUE', 'a word is empty or holds a blank or a control character')
  }
  const line = encodeLatin1(`${TAG} ${words.join(' ')} \r\n`)
  if (line.length > MAX_LINE_BYTES) throw new WireError('WIRE_TOO_LONG', 'the line is over 1 KiB')
  return line
}

/** The words so far, at most two; exactly two once the line has ended. */
function readWords(text: string): string[] {
  // A CR ends the line too: only its LF may follow. Anywhere else it is a control character in a word.
  const rest = text.replace(/\r?\n$|\r$/, '').slice(TAG.length)
  const isEnded = /[\r\n]$/.test(text)
  const isTagged = text.startsWith(TAG) || TAG.startsWith(text)
  const words = rest.split(/[ \t]+/).filter((word) => word !== '')
  const isBroken =
    !isTagged || /^[^ \t]/.test(rest) || words.length > 2 || words.some((word) => NOT_A_WORD.test(word))
  if (isBroken || (isEnded && words.length < 2))
    throw new WireError('WIRE_SYNTAX', 'the line is not "sumbit: USER PASS"')
  return words
}
