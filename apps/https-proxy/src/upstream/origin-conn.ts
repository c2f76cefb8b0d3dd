import type { Readable } from 'node:stream'
import type { Route } from '@sluice/net'
import type { HttpField } from '@sluice/wire'

/** One request as a conn is to send it. */
export interface OriginRequest {
  readonly method: string
  readonly url: URL
  /** All that is to be said beside Host and the framing. */
  readonly fields: readonly HttpField[]
  readonly body: Uint8Array | Readable | undefined
  /** Of a streamed body, where it is known. */
  readonly bodyBytes: number | undefined
}

/** Who gets the response. In order, as of a JobSink; nothing comes after `onEnd`, `onError` and `abort`. */
export interface ExchangeSink {
  onInterim(status: number, fields: readonly HttpField[]): void
  onHead(status: number, fields: readonly HttpField[]): void
  /** @returns false: no more until `resume` */
  onData(chunk: Uint8Array): boolean
  onEnd(trailers: readonly HttpField[]): void
  /** As the conn has it; see `originError`. */
  onError(error: Error): void
}

/** A request that has been sent, or is being sent. */
export interface Exchange {
  /** Of the request and what frames it, so far: whether that grows is all that it can tell. */
  readonly bytesSent: number
  resume(): void
  /** The origin sees that it is over. The sink is told nothing from now on. */
  abort(): void
}

/** A conn to an origin, past its TLS, of one user alone. */
export interface OriginConn {
  readonly route: Route
  /** It takes many requests at a time. */
  readonly isShared: boolean
  /** Another request may be sent now. */
  readonly hasRoom: boolean
  /** Requests under way. */
  readonly running: number
  /** Requests it was sent so far. */
  readonly requests: number
  /** No more request can be sent, now or later. */
  readonly closed: boolean
  /** Told once. */
  onClose: (() => void) | undefined
  send(request: OriginRequest, sink: ExchangeSink): Exchange
  /** Takes no more requests, and closes behind those that are under way. */
  retire(): void
  destroy(): void
}

/** Longest head of a response, and of its trailers: names and values together. */
export const MAX_RESPONSE_HEAD_BYTES: number = 64 * 1024

/** Whether a body comes piece by piece, and can be sent but once. */
export const isStream = (body: OriginRequest['body']): body is Readable =>
  body !== undefined && !(body instanceof Uint8Array)
