import type { ForwardedRequest, RequestHead } from '@sluice/wire'
import type { Code } from '../../errors.ts'
import type { Caller } from '../../request.ts'
import type { AnswerForm, OwnAnswer } from '../answer.ts'
import type { Deadlines } from './deadlines.ts'
import type { ReadRequest } from './read-request.ts'

/** What holds for all forwarded requests of a door. */
export interface ForwardSettings {
  /** What this proxy calls itself in Via, in lower case; a request that has it there already has gone in a circle. */
  readonly via: string
  /** From the first byte of a request's head to its last. */
  readonly headMs: number
  /** Between the end of a response and the first byte of the next request. */
  readonly keepAliveMs: number
  /** From the end of a request to the head of its response. */
  readonly responseMs: number
  /**
   * Of a request that has its turn: for how long its target may take or give nothing, once it takes the request or has begun
   * its response; and after which it lets go of its turn where its client is slow. @default as long as the session may
   */
  readonly pauseMs?: number | undefined
  readonly deadlines: Deadlines
  /** What clients speak, for the access log. @default http */
  readonly scheme?: 'http' | 'https' | undefined
  /** What is made of each head. @default what a proxy makes of it, that sends requests to whatever they name @throws WireError */
  readonly read?: ((head: RequestHead) => ReadRequest) | undefined
  /** What clients are told of failures. @default what those of a proxy are told, as text */
  readonly answer?: ((error: unknown, form: AnswerForm) => OwnAnswer) | undefined
  /** Where requests wait for their turn; undefined: it is always theirs. */
  readonly enter?: Enter | undefined
  /** Gives a request a name, for the log and for the client: `Sluice-Request-Id` of every answer. @default none has one */
  readonly requestId?: (() => string) | undefined
  /** Makes of a forwarded request what is sent on, such as one whose head tells of a trace. @default as it is */
  readonly prepare?:
    ((request: ForwardedRequest, id: string | undefined, caller: Caller) => ForwardedRequest) | undefined
  /** Told of each forwarded request that is over, whatever came of it; a tunnel is no such request. */
  readonly onDone?: ((request: DoneRequest, caller: Caller) => void) | undefined
}

/**
 * Waits until it is this caller's turn. What it gives is disposed of once: when a forwarded request is over, is held
 * back by its client for too long, or its connection speaks another protocol, and when the dial of a tunnel has ended. No deadline runs while it waits. A client
 * that ends its side is taken to have left.
 *
 * @param bytes of the request that are held meanwhile
 * @param signal aborted, with why, when nobody waits for the turn any more
 * @throws ServiceError where there will be no turn: the answer has its code, and its `retryMs` as Retry-After
 */
export type Enter = (caller: Caller, bytes: number, signal: AbortSignal) => Promise<Disposable>

/** What came of a forwarded request. */
export interface DoneRequest {
  readonly request: ForwardedRequest
  readonly id: string | undefined
  readonly code: Code
  /** What the client was told; 0: nothing. */
  readonly status: number
  /** Bytes on the client's side, heads included. */
  readonly up: number
  readonly down: number
  /** For its turn; undefined where it did not come so far, or nobody waits. */
  readonly waitedMs: number | undefined
  /** From its head to its end, the wait included. */
  readonly ms: number
}
