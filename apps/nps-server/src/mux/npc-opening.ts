import { NetError } from '@sluice/net'
import type { NpcEntry } from './npc-entry.ts'

/** A stream that the peer has yet to take. */
export class NpcOpening<Entry> implements NpcEntry {
  readonly held = 0
  /** What `make` gives as soon as the peer has taken it. */
  readonly entry: Promise<Entry>
  /** The peer knows that there is none. */
  isRefused = false
  #taken: () => void = nothing
  #failed: (reason: unknown) => void = nothing

  constructor(make: () => Entry) {
    this.entry = new Promise((resolve, reject) => {
      // At once: frames for the entry may be the next to come.
      this.#taken = () => resolve(make())
      this.#failed = reject
    })
  }

  opened(): void {
    this.#taken()
  }

  onPeerClose(): void {
    this.isRefused = true
    this.fail(new NetError('DIAL_REFUSED', 'the client did not take the stream'))
  }

  fail(reason: unknown): void {
    this.#failed(reason)
  }

  lost(error: Error): void {
    this.fail(error)
  }

  onPiece(): void {}
  onWindow(): void {}
  overload(): void {}
}

const nothing = (): void => {}
