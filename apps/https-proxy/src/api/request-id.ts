import { randomBytes } from 'node:crypto'

const SANE = /^[\w.~-]{1,64}$/
/** Of this run of the program, so that no two runs make the same. */
const PREFIX = randomBytes(6).toString('base64url')
let count = 0

/** What a request is called: what its client calls it, where that is a word of 64 letters at most. */
export const requestId = (given: string | undefined): string =>
  given !== undefined && SANE.test(given) ? given : `${PREFIX}-${(count += 1).toString(36)}`

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/

/** A traceparent of W3C Trace Context, where it is one. */
export const traceOf = (given: string | undefined): string | undefined =>
  given !== undefined && given.length <= 512 && TRACEPARENT.test(given) ? given : undefined
