import type { Credit } from './credit.ts'
import { Linked, Ring } from './ring.ts'

const MIN_QUANTUM = 64
const MAX_QUANTUM = 64 * 1024
/** All who take part have their turns about ten times a second, where the bounds of the quantum allow. */
const ROUND_SECONDS = 0.1
/** How long a round waits for those who were served in it and may just be reading their next bytes. */
const PATIENCE_MS = 2
/** … and for how many turns of the event loop where credit piles up meanwhile. */
const PATIENCE_PUMPS = 3

/** @internal Bytes for one turn among `takers`, at the pace of the slowest of `credits`; Infinity without any. */
export const quantumOf = (credits: readonly Credit[], takers: number): number => {
  let quantum = credits.length === 0 ? Infinity : MAX_QUANTUM
  for (const { rate } of credits)
    quantum = Math.min(quantum, Math.floor((rate * ROUND_SECONDS) / (takers + 1)))
  return Math.max(MIN_QUANTUM, quantum)
}

/** @internal One run of the shaper's timer. */
export interface Pump {
  readonly now: number
  /** Set by who has credit to give away and waits only for somebody who is away: the next pump is to come at once. */
  hurry: boolean
}

/** @internal One who takes turns with others: a flow of its user, a user of the node. */
export abstract class Taker extends Linked {
  weight = 1
  /** Bytes left of its turn in `round`. */
  deficit = 0
  round = -1
  /** The round in which it was served and from which it is not back yet. */
  awayIn = -1
}

/**
 * @internal Deficit round robin (Shreedhar & Varghese 1995) among takers who may be away for a moment between two
 * chunks. A round is over when all who took part have used up their turns, or do not come back: were it over as
 * soon as nobody waits, whoever is quicker, or asks for more at a time, would get more.
 */
export class Turns<T extends Taker> {
  /** Those who have begun their turn, or came when it was still to come: first, as the new flows of RFC 8290. */
  readonly #begun = new Ring<T>()
  /** Those whose turn in this round is to come, then those who have had it. */
  readonly #rest = new Ring<T>()
  /** What all takers draw on. */
  #credits: readonly Credit[]
  #round = 0
  #quantum: number
  #away = 0
  #movedAt = -Infinity
  /** How often, and when last, a round could not end although credit piled up. */
  #stuck = 0
  #stuckIn: Pump | undefined = undefined

  constructor(credits: readonly Credit[]) {
    this.#credits = credits
    this.#quantum = quantumOf(credits, 1)
  }

  get waiting(): number {
    return this.#begun.size + this.#rest.size
  }

  /** Those who have begun and wait to go on. */
  get begun(): number {
    return this.#begun.size
  }

  /** Those who take part: wait, or are away. */
  get size(): number {
    return this.waiting + this.#away
  }

  /** Takes all turns back: other rates, or other buckets, are to be shared. */
  restart(credits: readonly Credit[]): void {
    this.#credits = credits
    this.#newRound()
  }

  /** Whether the round may wait for somebody who is away. */
  expects(now: number): boolean {
    return this.#away > 0 && now - this.#movedAt < PATIENCE_MS && !this.#isAmple
  }

  hasTurn(taker: T): boolean {
    return taker.round === this.#round && taker.deficit >= 1
  }

  /** Whether `taker` waits here. */
  has(taker: T): boolean {
    return taker.ring === this.#begun || taker.ring === this.#rest
  }

  /** Bytes that `taker`, who waits, may have before it is another's turn. */
  turnOf(taker: T): number {
    return this.size === 1 ? Infinity : taker.deficit
  }

  /** Bytes that `taker`, who is back, may have without waiting; Infinity: it is alone. */
  allowance(taker: T): number {
    if (this.size === 0) {
      if (!this.hasTurn(taker)) {
        this.#newRound()
        this.#begin(taker)
      }
      return Infinity
    }
    if (taker.ring === undefined) this.#join(taker)
    const next = this.#begun.head ?? this.#rest.head
    const mustWait = this.#begun.size > 0 || (next !== undefined && next.round !== this.#round)
    return this.hasTurn(taker) && !mustWait ? taker.deficit : 0
  }

  /** `taker` asks again. */
  back(taker: T): void {
    if (taker.awayIn === this.#round) this.#away--
    taker.awayIn = -1
  }

  /** Makes `taker` wait, behind those who do already. */
  queue(taker: T): void {
    this.#join(taker)
    if (this.hasTurn(taker)) this.#begun.push(taker)
    else this.#rest.push(taker)
  }

  charge(taker: T, bytes: number, now: number): void {
    taker.deficit = Math.max(0, taker.deficit - bytes)
    this.#movedAt = now
    this.#stuck = 0
  }

  /** `taker` was served and waits no more; it may be back in a moment. */
  leave(taker: T): void {
    taker.ring?.delete(taker)
    if (taker.awayIn === this.#round) return
    taker.awayIn = this.#round
    this.#away++
  }

  /** `taker` will not be back. */
  remove(taker: T): void {
    taker.ring?.delete(taker)
    this.back(taker)
  }

  /** The first of those who have begun. */
  head(): T | undefined {
    const taker = this.#begun.head
    if (taker !== undefined && taker.round !== this.#round) this.#begin(taker)
    return taker
  }

  /**
   * Lets the next one begin, in a new round if this one is over.
   * @returns undefined where nobody waits who has not begun, or the round is not over
   */
  next(pump: Pump): T | undefined {
    const taker = this.#rest.head
    if (taker === undefined) return undefined
    if (taker.round === this.#round) {
      if (!this.#isOver(pump)) return undefined
      this.#newRound()
      this.#movedAt = pump.now
    }
    this.#begin(taker)
    this.#begun.push(taker)
    return taker
  }

  #isOver(pump: Pump): boolean {
    if (this.#away === 0 && this.#begun.size === 0) return true
    if (pump.now - this.#movedAt >= PATIENCE_MS) return true
    if (!this.#isAmple) return false
    // They trickle perhaps; if they are just reading they are back in the next turns of the event loop.
    if (this.#stuckIn !== pump) this.#stuck++
    this.#stuckIn = pump
    pump.hurry = true
    return this.#stuck >= PATIENCE_PUMPS
  }

  get #isAmple(): boolean {
    return this.#credits.every((credit) => credit.isAmple)
  }

  #newRound(): void {
    this.#round++
    this.#stuck = 0
    this.#away = 0
    this.#quantum = quantumOf(this.#credits, Math.max(1, this.waiting))
  }

  /** Gives one who has not had a turn in this round yet its turn. */
  #join(taker: T): void {
    if (taker.round === this.#round) return
    this.#begin(taker, Math.min(this.#quantum, quantumOf(this.#credits, this.size + 1)))
  }

  #begin(taker: T, quantum = this.#quantum): void {
    taker.round = this.#round
    taker.deficit = Math.max(1, Math.floor(taker.weight * quantum))
  }
}
