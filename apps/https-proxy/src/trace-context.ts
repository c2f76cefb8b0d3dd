import { randomBytes } from 'node:crypto'

/** One span of a trace, as it is told to whoever goes on with it (W3C Trace Context §3.2). */
export interface TraceContext {
  /** 32 hexadecimal digits in lower case, not all 0. */
  readonly traceId: string
  /** 16 of them, not all 0. */
  readonly spanId: string
  /** One byte: bit 0 says that the caller may have recorded it. */
  readonly flags: number
}

/** Of version 00; later ones may have more behind it. */
const SIZE = 55
const MAX_SIZE = 512
const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const NONE = /^0+$/
/** Those that are known; others are not passed on (§3.2.2.3.2). */
const FLAGS = 0x03

/** @returns undefined where it is not well-formed: it is to be left out then, and never repaired */
export const parseTraceparent = (value: string): TraceContext | undefined => {
  if (value.length < SIZE || value.length > MAX_SIZE) return undefined
  const [, version, traceId = '', spanId = '', flags = '', more] = FORM.exec(value) ?? []
  if (version === undefined || version === 'ff' || NONE.test(traceId) || NONE.test(spanId)) return undefined
  if (version === '00' && more !== undefined) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & FLAGS }
}

/** As version 00. */
export const formatTraceparent = ({ traceId, spanId, flags }: TraceContext): string =>
  `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`

/** A span below `parent`, in the same trace. */
export const childOf = ({ traceId, flags }: TraceContext): TraceContext => ({
  traceId,
  spanId: newSpanId(),
  flags,
})

/** Of 64 random bits one is the same each time, so that they are never all 0. */
const newSpanId = (): string => {
  const id = randomBytes(8)
  id[0]! |= 0x80
  return id.toString('hex')
}
