import { Credit } from './credit.ts'
import { Linked } from './ring.ts'
import { type Direction, type OnGrant, ShapedFlow, Side } from './shaped-flow.ts'
import type { Shaper } from './shaper.ts'
import type { Limit } from './token-bucket.ts'

/** Bytes per second each way and over both ways; what is absent is unlimited. */
export interface ShareLimits {
  readonly up?: Limit
  readonly down?: Limit
  readonly total?: Limit
  /** Share of a contended node limit relative to other users. @default 1 */
  readonly weight?: number
}

/** @internal */
export type Credits = Partial<Record<Direction | 'total', Credit>>

/** A flow that has not asked for this long is new again: it goes first, with one quantum. */
const FRESH_MS = 100

/** @internal Buckets after a change of limits: those that stay keep their credit. */
export const revise = (credits: Credits, limits: ShareLimits, now: number): Credits => {
  const revised: Credits = {}
  for (const key of ['up', 'down', 'total'] as const) {
    const limit = limits[key]
    if (limit === undefined) continue
    credits[key]?.set(limit, now)
    revised[key] = credits[key] ?? new Credit(limit, now)
  }
  return revised
}

/** @internal The buckets that a flow in this direction draws on. */
export const drawnOn = (credits: Credits, direction: Direction): Credit[] =>
  [credits[direction], credits.total].filter((credit) => credit !== undefined)

/** One user's part of the shaper: their buckets, and the queues of their flows. */
export class Share extends Linked {
  /** @internal */ readonly shaper: Shaper
  /** @internal Bytes left of this user's turn at a node limit. */ deficit = 0
  /** @internal */ wakeAt = 0
  readonly #up = new Side(this)
  readonly #down = new Side(this)
  #credits: Credits = {}
  #weight = 1

  /** @internal */
  constructor(shaper: Shaper, limits: ShareLimits) {
    super()
    this.shaper = shaper
    this.set(limits)
  }

  /** @internal */
  get total(): Credit | undefined {
    return this.#credits.total
  }

  /** @internal */
  get waiting(): number {
    return this.#up.waiting + this.#down.waiting
  }

  /** Whether a flow this way can ever have to wait; where it cannot, a lane needs no flow at all. */
  limited(direction: Direction): boolean {
    return this.#side(direction).credits.length > 0
  }

  /** Changes the limits of running and coming flows at once. Credit in a bucket that stays is kept. */
  set(limits: ShareLimits): void {
    this.#credits = revise(this.#credits, limits, this.shaper.clock.now())
    this.#weight = limits.weight ?? 1
    this.connect()
  }

  flow(direction: Direction, onGrant: OnGrant): ShapedFlow {
    return new ShapedFlow(this.#side(direction), onGrant)
  }

  /** @internal Draws on the present buckets of the user and the node. */
  connect(): void {
    for (const direction of ['up', 'down'] as const) {
      const side = this.#side(direction)
      side.own = drawnOn(this.#credits, direction)
      side.credits = [...side.own, ...this.shaper.credits(direction)]
    }
    if (this.waiting > 0) this.shaper.enlist(this)
  }

  /** @internal The slow half of `take`: refill and grant what is there, or queue. */
  ask(flow: ShapedFlow, bytes: number): number {
    const { side } = flow
    const now = this.shaper.clock.now()
    if (now - flow.askedAt > FRESH_MS) flow.deficit = side.quantum()
    flow.askedAt = now
    const granted = side.contended() ? 0 : this.#grantNow(side, bytes, now)
    if (granted > 0) return granted
    flow.want = bytes
    side.queue(flow)
    for (const credit of side.credits) credit.markBusy(now)
    this.shaper.enlist(this)
    return 0
  }

  /** @internal One turn: serves flows until the user's deficit, the credit, the round or the demand is used up. */
  turn(now: number, pump: number): void {
    if (!this.shaper.nodeLimited) this.deficit = Infinity
    else if (this.deficit < 1 || this.deficit === Infinity) this.deficit = this.shaper.quantum(this.#weight)
    for (const side of [this.#up, this.#down]) refill(side, now)
    for (let side = this.#nextSide(); side !== undefined && this.deficit >= 1; side = this.#nextSide()) {
      const flow = side.next(pump)
      if (flow === undefined) return
      side.served += 1 / side.waiting
      this.deficit -= side.serve(flow, this.deficit, now)
    }
  }

  /** @internal Whether a turn would give somebody something. */
  get ready(): boolean {
    return isReady(this.#up) || isReady(this.#down)
  }

  /** @internal Milliseconds until this user's own buckets have something worth a write for a waiting flow. */
  msUntilCredit(): number {
    let soonest = Infinity
    for (const side of [this.#up, this.#down]) {
      if (side.waiting === 0) continue
      let ms = 0
      for (const credit of side.own) {
        ms = Math.max(ms, credit.msUntil(Math.min(side.waitingBytes, credit.slice)))
      }
      soonest = Math.min(soonest, ms)
    }
    return soonest
  }

  #side(direction: Direction): Side {
    return direction === 'up' ? this.#up : this.#down
  }

  #grantNow(side: Side, bytes: number, now: number): number {
    let granted = bytes
    for (const credit of side.credits) {
      credit.refill(now)
      if (credit.tokens < Math.min(bytes, credit.slice)) return 0
      granted = Math.min(granted, Math.floor(credit.tokens))
    }
    for (const credit of side.credits) credit.tokens -= granted
    return granted
  }

  /** The direction that can go on; where both can, the one whose flows have had fewer turns. */
  #nextSide(): Side | undefined {
    const up = isReady(this.#up)
    const down = isReady(this.#down)
    if (up && down) return this.#up.served <= this.#down.served ? this.#up : this.#down
    if (!up && !down) return undefined
    const [side, other] = up ? [this.#up, this.#down] : [this.#down, this.#up]
    other.served = Math.max(other.served, side.served)
    return side
  }
}

const refill = (side: Side, now: number): void => {
  for (const credit of side.own) {
    if (side.waiting > 0) credit.markBusy(now)
    credit.refill(now)
  }
}

const isReady = (side: Side): boolean => {
  if (side.waiting === 0) return false
  for (const credit of side.credits) {
    if (credit.tokens < Math.min(side.waitingBytes, credit.grain)) return false
  }
  return true
}
