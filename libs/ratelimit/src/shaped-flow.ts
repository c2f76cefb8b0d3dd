import type { Credit } from './credit.ts'
import { Linked, Ring } from './ring.ts'
import type { Share } from './share.ts'

export type Direction = 'up' | 'down'

/** Told once for each `take` that gave nothing: `bytes` (1 to what was asked for) may go now. */
export type OnGrant = (bytes: number) => void

const MIN_QUANTUM = 64
const MAX_QUANTUM = 64 * 1024
/** All who wait take their turns about ten times a second, where the bounds of the quantum allow. */
const ROUND_SECONDS = 0.1

/** Bytes for one turn among `waiting` at `rate` bytes per second. */
export const quantumOf = (rate: number, waiting: number): number =>
  Math.min(MAX_QUANTUM, Math.max(MIN_QUANTUM, Math.floor((rate * ROUND_SECONDS) / (waiting + 1))))

/** One direction of one conn: what a lane of the relay takes its bytes from. Close it with the conn. */
export class ShapedFlow extends Linked {
  /** @internal */ want = 0
  /** @internal Bytes left of its turn; below zero where it went alone and took more. */ deficit = 0
  /** @internal */ askedAt: number = -Infinity
  /** @internal The pump in which it last got a quantum. */ pump = -1
  /** @internal */ readonly side: Side
  /** @internal */ readonly onGrant: OnGrant

  /** @internal */
  constructor(side: Side, onGrant: OnGrant) {
    super()
    this.side = side
    this.onGrant = onGrant
    side.open++
  }

  /**
   * Asks for `bytes` (at least 1).
   * @returns how many may go now, up to `bytes`; 0: none, `onGrant` comes once, when it is this flow's turn. Ask
   * again only after that.
   */
  take(bytes: number): number {
    const { side } = this
    if (!side.contended()) {
      const { credits } = side
      let i = 0
      while (i < credits.length && credits[i]!.tokens >= bytes) i++
      if (i === credits.length) {
        while (i > 0) credits[--i]!.tokens -= bytes
        return bytes
      }
    }
    return side.share.ask(this, bytes)
  }

  /** Leaves the queue; a grant that was waited for does not come. */
  close(): void {
    this.side.forget(this)
    this.side.open--
  }
}

/** @internal The flows of one user in one direction, and the buckets that they draw on. */
export class Side {
  readonly share: Share
  /** Flows that begin or go on with their turn, served before those in the round. */
  readonly #fresh = new Ring<ShapedFlow>()
  readonly #round = new Ring<ShapedFlow>()
  /** The user's own buckets (this direction, total); `credits` has the node's behind them. */
  own: Credit[] = []
  credits: Credit[] = []
  open = 0
  waitingBytes = 0
  /** Turns served per waiting flow, to alternate fairly with the other direction. */
  served = 0

  constructor(share: Share) {
    this.share = share
  }

  get waiting(): number {
    return this.#fresh.size + this.#round.size
  }

  /** Whether somebody who came earlier may be waiting for the same credit. */
  contended(): boolean {
    const { share } = this
    return (
      this.waitingBytes > 0 || (share.total !== undefined && share.waiting > 0) || share.shaper.contended()
    )
  }

  available(): number {
    let least = Infinity
    for (const credit of this.credits) if (credit.tokens < least) least = credit.tokens
    return least
  }

  quantum(): number {
    let rate = Infinity
    for (const credit of this.credits) if (credit.rate < rate) rate = credit.rate
    return quantumOf(rate, this.waiting)
  }

  queue(flow: ShapedFlow): void {
    this.waitingBytes += flow.want
    if (flow.deficit >= 1) this.#fresh.push(flow)
    else this.#round.push(flow)
  }

  forget(flow: ShapedFlow): void {
    if (flow.ring !== undefined) {
      flow.ring.delete(flow)
      this.waitingBytes -= flow.want
    }
    flow.want = 0
  }

  /**
   * The flow whose turn it is. A flow gets one quantum a pump: a round that ends before the credit does goes on
   * in the next turn of the event loop, when flows whose next bytes had yet to be read can take part again.
   * @returns undefined where nobody waits or the round has ended
   */
  next(pump: number): ShapedFlow | undefined {
    const first = this.#fresh.head ?? this.#round.head
    if (first === undefined || first.deficit >= 1 || this.open === 1) return first
    for (let flow = this.#round.head; flow !== undefined && flow.pump !== pump; flow = this.#round.head) {
      flow.pump = pump
      flow.deficit += this.quantum()
      if (flow.deficit >= 1) return flow
      this.#round.push(flow)
    }
    return undefined
  }

  /** Charges a grant of `most` bytes or less to the flow and tells it. @returns the bytes granted */
  serve(flow: ShapedFlow, most: number, now: number): number {
    const turn = this.open === 1 ? Infinity : flow.deficit
    const granted = Math.floor(Math.min(flow.want, turn, most, this.available()))
    for (const credit of this.credits) credit.tokens -= granted
    flow.deficit = Math.max(flow.deficit - granted, -MAX_QUANTUM)
    this.forget(flow)
    flow.askedAt = now
    flow.onGrant(granted)
    return granted
  }
}
