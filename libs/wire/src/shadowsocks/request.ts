import type { Address } from '../address.ts'
import type { Opener } from './direction.ts'

/** What a client asks for. */
export interface SsRequest {
  /** What makes the request unique; of `none` empty. */
  readonly salt: Uint8Array
  readonly target: Address
  /** Payload that was sealed together with the target. */
  readonly early: Uint8Array
  /** For what follows. */
  readonly opener: Opener
  /** When the client sealed it, in s since 1970; undefined but for the 2022 methods. Nobody has judged it yet. */
  readonly seconds: number | undefined
}

/** How a request of the 2022 methods begins. */
export interface SsHeadOptions {
  /** Whether an identity header stands behind the salt (SIP023). */
  readonly identity?: boolean
}
