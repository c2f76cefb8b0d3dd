import type { Deadlines } from './deadlines.ts'

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
  readonly deadlines: Deadlines
  /** Whether who gives no credentials comes in as the guest. @default nobody does */
  readonly isOpen?: () => boolean
}
