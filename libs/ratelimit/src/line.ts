import type { Alternation, Party } from './alternation.ts'
import type { Credit } from './credit.ts'
import type { Side } from './side.ts'
import { type Pump, Taker, Turns } from './turns.ts'

/** @internal A user's place in a line. */
export class Seat extends Taker {
  readonly line: Line
  /** One direction, or both. */
  readonly sides: readonly Side[]
  /** When to look at the user's own buckets again. */
  wakeAt = 0

  constructor(line: Line, sides: readonly Side[], weight: number) {
    super()
    this.line = line
    this.sides = sides
    this.weight = weight
  }

  get waiting(): boolean {
    return this.sides.some((side) => side.waitingBytes > 0)
  }

  get hasTurn(): boolean {
    return this.line.turns.hasTurn(this)
  }

  get turn(): number {
    return this.line.turns.turnOf(this)
  }

  /** Bytes that one of its flows may have without waiting for other users. */
  allowance(): number {
    return this.line.common.some((credit) => credit.busy) ? this.line.turns.allowance(this) : Infinity
  }

  charge(bytes: number, now: number): void {
    this.line.deficit -= bytes
    this.line.turns.charge(this, bytes, now)
    if (this.ring === undefined) this.line.turns.leave(this)
  }

  /** Serves flows until its turn, the credit, the flows' round or the demand is used up. @returns whether any was */
  serve(pump: Pump): boolean {
    this.refill(pump.now)
    let served = false
    for (let again = true; again;) {
      again = false
      for (const side of this.sides) while (this.hasTurn && side.serve(pump)) served = again = true
    }
    return served
  }

  refill(now: number): void {
    for (const side of this.sides) side.refillOwn(now)
  }

  /** Milliseconds until the user's own buckets have something worth a write for one direction. */
  msUntilCredit(): number {
    let soonest = Infinity
    for (const side of this.sides) {
      if (side.waitingBytes > 0) soonest = Math.min(soonest, side.msUntilCredit())
    }
    return soonest
  }

  /** It waits for the user's own buckets until `wakeAt`. */
  park(now: number): void {
    const ms = this.msUntilCredit()
    this.wakeAt = now + ms
    for (const side of this.sides) if (side.waitingBytes > 0) side.markBusy(now, ms)
  }

  /** Whether it, or one of its flows, waits for somebody who is away. */
  expects(now: number): boolean {
    return this.line.expects(now) || this.sides.some((side) => side.turns.expects(now))
  }
}

/** @internal Where users wait for the node's credit or, where that is not limited, for the next pump only. */
export class Line implements Party {
  /** What all who are in it draw on. */
  readonly common: readonly Credit[]
  readonly turns: Turns<Seat>
  deficit = 0
  /** The turns of this line and the other direction's, where they draw on one bucket. */
  directions: Alternation | undefined = undefined
  /** What the other line does not draw on. */
  readonly #apart: readonly Credit[]
  readonly #park: (seat: Seat, now: number) => void

  /** @param park - takes a seat whose own buckets are empty */
  constructor(apart: readonly Credit[], total: readonly Credit[], park: (seat: Seat, now: number) => void) {
    this.common = [...apart, ...total]
    this.turns = new Turns(this.common)
    this.#apart = apart
    this.#park = park
  }

  get size(): number {
    return this.turns.size
  }

  comes(now: number): boolean {
    return this.turns.waiting > 0
      ? this.#apart.every((credit) => credit.isWorth(Infinity))
      : this.expects(now)
  }

  expects(now: number): boolean {
    return this.common.length > 0 && this.turns.expects(now)
  }

  /** Whether it is not the other direction's turn. */
  mayGo(now: number): boolean {
    return this.directions?.mayGo(this, now) ?? true
  }

  /** Whether the other direction may take its turn now that this one waits. */
  get passes(): boolean {
    return this.directions?.passes(this) ?? false
  }

  get isReady(): boolean {
    return this.turns.waiting > 0 && this.#hasCredit
  }

  /** Bytes that somebody at `seat` may have before it is the other direction's turn. */
  allowance(seat: Seat, now: number): number {
    return this.directions?.allowance(this, now, this.turns.has(seat) ? 0 : 1) ?? Infinity
  }

  refill(now: number): void {
    for (const credit of this.common) credit.refill(now, this.turns.waiting > 0)
  }

  /** Milliseconds until there is credit worth waking up for; till then nobody may pass those who wait. */
  msUntilCredit(now: number): number {
    let longest = 0
    for (const credit of this.common) {
      const ms = credit.msUntilWorth(Infinity)
      if (ms > 0) credit.markBusy(now + ms)
      longest = Math.max(longest, ms)
    }
    return longest
  }

  /**
   * While there is credit, gives those who have begun the rest of their turns, then the others theirs.
   * @returns whether anybody got anything
   */
  serve(pump: Pump): boolean {
    const { turns } = this
    let served = false
    for (let left = turns.begun; ; left--) {
      const seat = left > 0 ? turns.head() : turns.next(pump)
      if (seat === undefined) return served
      const got = seat.serve(pump)
      served ||= got
      if (!got && seat.hasTurn && !this.#hasCredit) return served
      this.#settle(seat, pump.now)
    }
  }

  /** Puts a seat where it belongs after its turn, or a part of it. */
  #settle(seat: Seat, now: number): void {
    // Gone meanwhile: its flows were closed, or the limits changed.
    if (seat.ring === undefined) return
    if (!seat.waiting) this.turns.leave(seat)
    else if (seat.msUntilCredit() > 0) this.#park(seat, now)
    // In the middle of its turn, behind others who are: a long turn would keep those with short ones waiting.
    else this.turns.queue(seat)
  }

  get #hasCredit(): boolean {
    return this.common.every((credit) => credit.isWorth(Infinity))
  }
}
