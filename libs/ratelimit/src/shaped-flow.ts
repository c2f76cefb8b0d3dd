import type { Side } from './side.ts'
import { Taker } from './turns.ts'

export type Direction = 'up' | 'down'

/** Told once for each `take` that gave nothing: `bytes` (1 to what was asked for) may go now. */
export type OnGrant = (bytes: number) => void

/** One direction of one conn: what a lane of the relay takes its bytes from. Close it with the conn. */
export class ShapedFlow extends Taker {
  /** @internal */ want = 0
  /** @internal */ closed = false
  /** @internal */ readonly side: Side
  /** @internal */ readonly onGrant: OnGrant

  /** @internal */
  constructor(side: Side, onGrant: OnGrant) {
    super()
    this.side = side
    this.onGrant = onGrant
  }

  /**
   * Asks for `bytes` (at least 1). Asking again while waiting replaces what was asked for.
   * @returns how many may go now, up to `bytes`; 0: none, `onGrant` comes once, when it is this flow's turn
   */
  take(bytes: number): number {
    const { credits } = this.side
    let i = 0
    while (i < credits.length && credits[i]!.tokens >= bytes && !credits[i]!.busy) i++
    if (i < credits.length) return this.side.ask(this, bytes)
    while (i > 0) credits[--i]!.tokens -= bytes
    return bytes
  }

  /** Leaves the queue: a grant that was waited for does not come, and nobody waits for this flow any more. */
  close(): void {
    this.closed = true
    this.side.dismiss(this)
  }
}
