import type { Caller, Code } from '@sluice/service'
import type { Enter } from '@sluice/service/http'
import type { HeldBytes } from '../held-bytes.ts'
import type { Jobs } from '../job.ts'

/** What holds for the API of a door. Looked at anew for each request, but for the timeouts, which `ApiServer.update` takes. */
export interface ApiSettings {
  readonly jobs: Jobs
  /** What this proxy calls itself in Via, in lower case. */
  readonly via: string
  /** Of the program, for the OpenAPI document. */
  readonly version: string
  /** From the first byte of a request's head to its last. */
  readonly headMs: number
  /** Most that a preamble, or a request of JSON, may take to arrive. */
  readonly bodyMs: number
  /** Between the end of a response and the next request. */
  readonly keepAliveMs: number
  /** Most redirects that a request may ask to be followed. */
  readonly redirects: number
  /** Bodies of exchanges in JSON, as they are before base64. */
  readonly jsonBytes: { readonly up: number; readonly down: number }
  /** What all of these may take in memory together. */
  readonly held: HeldBytes
  /** Of any other request; Infinity where nothing bounds it. */
  readonly maxRequestBytes: number
  /** Who has no credentials is let in as a guest. */
  readonly isOpen: () => boolean
  /** What a caller may see of the queue; plain JSON. */
  readonly queue: (caller: Caller) => unknown
  /** Where a tunnel over HTTP/2 waits for its turn; undefined: it is always its turn. */
  readonly enter?: Enter | undefined
  /** Ms for which a connection's next request would rest, so that there is no use in reading it. @default none does */
  readonly restMs?: ((caller: Caller) => number) | undefined
  /** Told of each request that is over, besides its line in the log. */
  readonly onRequestDone?: ((done: RequestDone) => void) | undefined
}

/** One request that is over. */
export interface RequestDone {
  readonly id: string
  /** Of the target, where the request came so far; else of the request to the API. */
  readonly method: string
  readonly url: URL | undefined
  /** Of the request to the API, without its query. */
  readonly path: string
  /** Of the target, or our own; 0 where there was nobody left to be told. */
  readonly status: number
  readonly code: Code
  /** Bytes of bodies. */
  readonly up: number
  readonly down: number
  /** For its turn; undefined where it did not come so far. */
  readonly waitedMs: number | undefined
  readonly ms: number
  /** Media type of the answer. */
  readonly type: string | undefined
  readonly caller: Caller
}
