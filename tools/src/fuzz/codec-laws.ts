import { isDeepStrictEqual } from 'node:util'
import { WireError } from '@sluice/wire'

/** As much of a codec as its laws speak of. */
export interface FuzzedCodec {
  readonly name: string
  readonly decode: (bytes: Uint8Array) => { value: unknown; size: number } | undefined
  /** Valid inputs, where the mutated ones start from. */
  readonly sample: readonly Uint8Array[]
}

/** What a decoder said of some bytes; `flaw` is what it must never do. */
export type Verdict =
  | { kind: 'value'; value: unknown; size: number }
  | { kind: 'more' }
  | { kind: 'error'; code: string }
  | { kind: 'flaw'; what: string }

export function verdictOf({ decode }: FuzzedCodec, bytes: Uint8Array): Verdict {
  // A Buffer, since its slice() shares memory where that of Uint8Array copies.
  const lent = Buffer.from(bytes)
  const { stackTraceLimit } = Error
  // Stacks of what is refused, and millions are, take a third of the time.
  Error.stackTraceLimit = 0
  try {
    const decoded = decode(lent)
    if (!lent.equals(bytes)) return { kind: 'flaw', what: 'changed its input' }
    if (decoded === undefined) return { kind: 'more' }
    const { value, size } = decoded
    if (size > 0 && size <= bytes.length) return { kind: 'value', value, size }
    return { kind: 'flaw', what: `gave size ${size} for ${bytes.length} bytes` }
  } catch (error) {
    if (error instanceof WireError) return { kind: 'error', code: error.code }
    Error.stackTraceLimit = stackTraceLimit
    return { kind: 'flaw', what: `threw ${stackOf(() => decode(Buffer.from(bytes)))}` }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function stackOf(failing: () => unknown): string {
  try {
    failing()
  } catch (error) {
    return error instanceof Error ? `${error.stack}` : String(error)
  }
  return 'once, and not again'
}

/**
 * What is wrong with `codec` at `bytes`, undefined where nothing is.
 * - a value, a wish for more or a WireError, and nothing else; a value takes at least one byte and at most all
 * - more bytes never change the verdict: that on the first `cut` bytes stands, unless it was a wish for more
 * - what follows a value has no part in it
 * @param whole what the codec says of all of them, where that is known
 */
export function brokenLaw(
  codec: FuzzedCodec,
  bytes: Uint8Array,
  cut: number,
  whole: Verdict = verdictOf(codec, bytes),
): string | undefined {
  if (whole.kind === 'flaw') return whole.what
  const part = verdictOf(codec, bytes.subarray(0, cut))
  if (part.kind === 'flaw') return `at the first ${cut} bytes: ${part.what}`
  if (part.kind !== 'more' && !isDeepStrictEqual(part, whole)) {
    return `the first ${cut} bytes give ${show(part)}, all ${bytes.length} give ${show(whole)}`
  }
  if (whole.kind !== 'value') return undefined
  const alone = verdictOf(codec, bytes.subarray(0, whole.size))
  if (isDeepStrictEqual(alone, whole)) return undefined
  return `its own ${whole.size} bytes give ${show(alone)}, with more behind them ${show(whole)}`
}

const show = (verdict: Verdict): string => JSON.stringify(verdict)
