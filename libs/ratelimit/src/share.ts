import { Alternation } from './alternation.ts'
import { checkAmount } from './check.ts'
import { Credit } from './credit.ts'
import { Seat } from './line.ts'
import { type Direction, type OnGrant, ShapedFlow } from './shaped-flow.ts'
import type { Shaper } from './shaper.ts'
import { Side } from './side.ts'
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

const KEYS = ['up', 'down', 'total'] as const

/** @internal Buckets after a change of limits: those that stay keep their credit. */
export const revise = (credits: Credits, limits: ShareLimits, now: number): Credits => {
  for (const key of KEYS) if (limits[key] !== undefined) Credit.check(limits[key])
  const revised: Credits = {}
  for (const key of KEYS) {
    const limit = limits[key]
    if (limit === undefined) continue
    credits[key]?.set(limit, now)
    revised[key] = credits[key] ?? new Credit(limit, now)
  }
  return revised
}

/** @internal */
export const present = (...credits: (Credit | undefined)[]): Credit[] =>
  credits.filter((credit) => credit !== undefined)

/** One user's part of the shaper: their buckets, and their flows. */
export class Share {
  /** @internal */ readonly shaper: Shaper
  /** @internal The turns of its two directions. */ readonly turns: Alternation
  readonly #up: Side
  readonly #down: Side
  #credits: Credits = {}
  #weight = 1

  /** @internal */
  constructor(shaper: Shaper, limits: ShareLimits) {
    this.shaper = shaper
    this.#revise(limits)
    this.#up = new Side(this)
    this.#down = new Side(this)
    this.turns = new Alternation(this.#up, this.#down, [])
    this.sit()
  }

  /** How many flows wait, both ways together. */
  get waiting(): number {
    return this.#up.turns.waiting + this.#down.turns.waiting
  }

  /** Whether a flow this way can ever have to wait; where it cannot, a lane needs no flow at all. */
  limited(direction: Direction): boolean {
    return this.#side(direction).credits.length > 0
  }

  /**
   * Changes the limits of running and coming flows at once. Credit in a bucket that stays is kept.
   * @throws RangeError for a rate or burst that is negative or not finite, or a weight that is not above 0; nothing
   * is changed then
   */
  set(limits: ShareLimits): void {
    this.#revise(limits)
    for (const { seat } of this.#sides) seat.weight = this.#weight
    this.#connect()
  }

  /** A new flow; `onGrant` is told what a `take` of it that had to wait may have. */
  flow(direction: Direction, onGrant: OnGrant): ShapedFlow {
    return new ShapedFlow(this.#side(direction), onGrant)
  }

  /** @internal Takes seats in the shaper's present lines. */
  sit(): void {
    const [up, down] = [this.shaper.line('up'), this.shaper.line('down')]
    if (up === down) {
      this.#up.seat = this.#down.seat = new Seat(up, this.#sides, this.#weight)
    } else {
      this.#up.seat = new Seat(up, [this.#up], this.#weight)
      this.#down.seat = new Seat(down, [this.#down], this.#weight)
    }
    this.#connect()
  }

  /** @internal Leaves its seats, whoever waits. */
  stand(): void {
    for (const { seat } of this.#sides) {
      this.shaper.dismiss(seat)
      seat.round = -1
    }
  }

  get #sides(): readonly [Side, Side] {
    return [this.#up, this.#down]
  }

  #side(direction: Direction): Side {
    return direction === 'up' ? this.#up : this.#down
  }

  #revise(limits: ShareLimits): void {
    const { weight = 1 } = limits
    checkAmount('weight', weight, { least: Number.MIN_VALUE })
    this.#credits = revise(this.#credits, limits, this.shaper.clock.now())
    this.#weight = weight
  }

  #connect(): void {
    const { up, down, total } = this.#credits
    const node = this.shaper.credits
    const totals = present(total, node.total)
    this.#up.connect(present(up, node.up), totals)
    this.#down.connect(present(down, node.down), totals)
    this.turns.restart(this.#up.seat === this.#down.seat ? totals : present(total))
    const now = this.shaper.clock.now()
    for (const { seat } of this.#sides) if (seat.waiting) this.shaper.enlist(seat, now)
  }
}
