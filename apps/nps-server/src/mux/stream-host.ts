import type { Address } from '@sluice/wire'
import type { Outbox } from './outbox.ts'

/** Who is told at the end of a turn that something has come. */
export interface Addressee {
  /** It waits for that. */
  isListed: boolean
  deliver(): void
}

/** Whose end takes long. */
export interface Lingering {
  giveUp(): void
}

/** What a stream needs of its mux. */
export interface StreamHost {
  readonly remote: Address
  readonly local: Address
  readonly outbox: Outbox
  /** Of this turn, ms. */
  readonly nowMs: number
  readonly rttMs: number
  /** So many octets have come for `stream`, or its end has: it is asked to `deliver` soon. */
  arrived(stream: Addressee, octets: number): void
  /** So many of them are not held any more. */
  freed(octets: number): void
  /** Nothing is left of it. */
  forget(id: number): void
  /** Nothing is wanted of it any more but its end; if that does not come in time, `giveUp` is called. */
  linger(stream: Lingering): void
}
