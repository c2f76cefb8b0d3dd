import type { Address } from '@sluice/wire'
import { NetError, type NetErrorCode } from '../net-error.ts'
import type { Reader } from '../reader.ts'
import type { Hop } from './upstream-url.ts'

/** Asks a proxy for a connection to `target`; after that the conn is the target's. */
export interface Question {
  readonly reader: Reader
  readonly hop: Hop
  readonly target: Address
  /** To be called once the proxy knows of the target: from here on it is the target that is waited for. */
  readonly onAsked: () => void
}

/**
 * @returns undefined where the target was reached, else why not, as the proxy tells it
 * @throws NetError UPSTREAM_AUTH or UPSTREAM_FAILED, a WireError, or what the reader throws: the proxy's own fault
 */
export type Ask = (question: Question) => Promise<NetError | undefined>

/** Where the proxy and not its target has failed. */
export const upstreamError = (
  code: 'UPSTREAM_AUTH' | 'UPSTREAM_FAILED',
  hop: Hop,
  why: string,
  cause?: unknown,
): NetError => new NetError(code, `${hop.label}: ${why}`, cause === undefined ? undefined : { cause })

/** What a proxy said of the target. */
export const toldBy = (code: NetErrorCode, { hop }: Question, words: string): NetError =>
  new NetError(code, `${hop.label} says: ${words}`)
