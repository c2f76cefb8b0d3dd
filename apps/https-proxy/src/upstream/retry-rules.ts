import { codeOf, type ErrorCode } from '@sluice/service'
import type { OriginRequest } from './origin-conn.ts'

/** After the first one. */
export const MAX_RETRIES = 2
const FIRST_MS = 100

/** To make one of these twice is as good as once (RFC 9110 §9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** What may be gone a moment later: nobody took the conn, or it broke before there was TLS. */
const PASSING = new Set<ErrorCode>(['DIAL_REFUSED', 'DIAL_FAILED'])

/** Whether a request may be made once more without anyone knowing whether it was made before. */
export const isReplayable = ({ method, body }: OriginRequest): boolean =>
  IDEMPOTENT.has(method) && (body === undefined || body instanceof Uint8Array)

/** Whether the same request may fare better a moment later. */
export const mayHelp = (error: Error): boolean => PASSING.has(codeOf(error))

/** Twice as long each time, and anything from half of it on, so that those that failed together do not come together. */
export const backoffMs = (retry: number, random: number): number =>
  FIRST_MS * 2 ** (retry - 1) * (0.5 + random)
