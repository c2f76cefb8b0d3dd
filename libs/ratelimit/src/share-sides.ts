import { Alternation } from './alternation.ts'
import { Seat } from './line.ts'
import type { Direction } from './shaped-flow.ts'
import { type Credits, present, revise, type ShareLimits } from './share-credits.ts'
import type { Shaper } from './shaper.ts'
import { Side } from './side.ts'

/** @internal What a share is made of while it has flows: its buckets, and its two directions with their seats. */
export class ShareSides {
  readonly shaper: Shaper
  /** The turns of its two directions. */
  readonly turns: Alternation
  readonly #up: Side
  readonly #down: Side
  #credits: Credits = {}
  #weight = 1

  /** @param limits good ones, as those of `set` */
  constructor(shaper: Shaper, limits: ShareLimits) {
    this.shaper = shaper
    this.#revise(limits)
    this.#up = new Side(this)
    this.#down = new Side(this)
    this.turns = new Alternation(this.#up, this.#down, [])
    this.sit()
  }

  get waiting(): number {
    return this.#up.turns.waiting + this.#down.turns.waiting
  }

  set(limits: ShareLimits): void {
    this.#revise(limits)
    for (const { seat } of this.#both) seat.weight = this.#weight
    this.#connect()
  }

  of(direction: Direction): Side {
    return direction === 'up' ? this.#up : this.#down
  }

  /** Takes seats in the shaper's present lines. */
  sit(): void {
    const [up, down] = [this.shaper.line('up'), this.shaper.line('down')]
    if (up === down) {
      this.#up.seat = this.#down.seat = new Seat(up, this.#both, this.#weight)
    } else {
      this.#up.seat = new Seat(up, [this.#up], this.#weight)
      this.#down.seat = new Seat(down, [this.#down], this.#weight)
    }
    this.#connect()
  }

  /** Leaves its seats, whoever waits. */
  stand(): void {
    for (const { seat } of this.#both) {
      this.shaper.dismiss(seat)
      seat.round = -1
    }
  }

  get #both(): readonly [Side, Side] {
    return [this.#up, this.#down]
  }

  #revise(limits: ShareLimits): void {
    this.#credits = revise(this.#credits, limits, this.shaper.clock.now())
    this.#weight = limits.weight ?? 1
  }

  #connect(): void {
    const { up, down, total } = this.#credits
    const node = this.shaper.credits
    const totals = present(total, node.total)
    this.#up.connect(present(up, node.up), totals)
    this.#down.connect(present(down, node.down), totals)
    this.turns.restart(this.#up.seat === this.#down.seat ? totals : present(total))
    const now = this.shaper.clock.now()
    for (const { seat } of this.#both) if (seat.waiting) this.shaper.enlist(seat, now)
  }
}
