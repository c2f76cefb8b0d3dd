import type { Party } from './alternation.ts'
import type { Credit } from './credit.ts'
import type { Seat } from './line.ts'
import type { ShapedFlow } from './shaped-flow.ts'
import type { ShareSides } from './share-sides.ts'
import { type Pump, Turns } from './turns.ts'

/** @internal The flows of one user in one direction, and the buckets that they draw on. */
export class Side implements Party {
  readonly share: ShareSides
  readonly turns: Turns<ShapedFlow> = new Turns([])
  credits: readonly Credit[] = []
  waitingBytes = 0
  deficit = 0
  /** Where it waits for the node's credit. */
  seat!: Seat
  /** The buckets that its seat waits for outside of the line. */
  #own: readonly Credit[] = []
  /** The buckets that the other direction does not draw on. */
  #apart: readonly Credit[] = []

  constructor(share: ShareSides) {
    this.share = share
  }

  /** From now on draws on buckets of this direction alone (`apart`) and on those of both (`totals`). */
  connect(apart: readonly Credit[], totals: readonly Credit[]): void {
    const { common } = this.seat.line
    this.credits = [...apart, ...totals]
    this.#own = this.credits.filter((credit) => !common.includes(credit))
    this.#apart = apart
    this.turns.restart(this.credits)
  }

  /** The slow half of `take`: grants what there is if it is the flow's turn, or queues. */
  ask(flow: ShapedFlow, bytes: number): number {
    if (flow.closed) return 0
    const { shaper } = this.share
    const now = shaper.clock.now()
    this.#withdraw(flow)
    this.turns.back(flow)
    this.seat.line.turns.back(this.seat)
    const granted = this.#grantNow(flow, bytes, now)
    if (granted > 0) return granted
    flow.want = bytes
    this.waitingBytes += bytes
    this.turns.queue(flow)
    shaper.enlist(this.seat, now)
    if (this.share.turns.passes(this) || this.seat.line.passes) shaper.arm(now, 0)
    return 0
  }

  dismiss(flow: ShapedFlow): void {
    this.#withdraw(flow)
    this.turns.remove(flow)
    if (!this.seat.waiting) this.share.shaper.dismiss(this.seat)
  }

  /** Serves one flow. @returns whether there was one to serve, and credit for it */
  serve(pump: Pump): boolean {
    if (!this.isReady) return false
    const most = Math.min(this.seat.turn, this.#allowance(pump.now))
    if (most < 1) return false
    const flow = this.turns.head() ?? this.turns.next(pump)
    if (flow === undefined) return false
    const granted = Math.floor(Math.min(flow.want, this.turns.turnOf(flow), most, this.#available()))
    this.#withdraw(flow)
    this.#charge(flow, granted, pump.now)
    flow.onGrant(granted)
    return true
  }

  get size(): number {
    return this.turns.size
  }

  /** Whether it is about to use the credit that both directions draw on. */
  comes(now: number): boolean {
    if (this.waitingBytes === 0) return this.turns.expects(now)
    return this.#canUse(this.#apart) && this.seat.line.mayGo(now)
  }

  get isReady(): boolean {
    return this.waitingBytes > 0 && this.#canUse(this.credits)
  }

  refillOwn(now: number): void {
    for (const credit of this.#own) credit.refill(now, this.waitingBytes > 0)
  }

  /** Milliseconds until the buckets outside of the line have something worth a write. */
  msUntilCredit(): number {
    let ms = 0
    for (const credit of this.#own) ms = Math.max(ms, credit.msUntilWorth(this.waitingBytes))
    return ms
  }

  /** It waits for its own buckets for the next `ms`. */
  markBusy(now: number, ms: number): void {
    for (const credit of this.#own) {
      if (credit.msUntilWorth(this.waitingBytes) > 0) credit.markBusy(now + ms)
    }
  }

  /** Nobody has to wait for a turn where no bucket is busy. */
  #grantNow(flow: ShapedFlow, bytes: number, now: number): number {
    let busy = false
    for (const credit of this.credits) {
      credit.refill(now)
      busy ||= credit.busy
    }
    const most = busy ? this.#turnOf(flow, bytes, now) : bytes
    if (most < 1 || !this.credits.every((credit) => credit.isWorth(most))) return 0
    const granted = Math.floor(Math.min(most, this.#available()))
    if (busy) this.#charge(flow, granted, now)
    else for (const credit of this.credits) credit.tokens -= granted
    return granted
  }

  #turnOf(flow: ShapedFlow, bytes: number, now: number): number {
    return Math.min(bytes, this.turns.allowance(flow), this.seat.allowance(), this.#allowance(now, 1))
  }

  /** Bytes before it is the other direction's turn, of this user and of all users. */
  #allowance(now: number, asking = 0): number {
    return Math.min(this.share.turns.allowance(this, now, asking), this.seat.line.allowance(this.seat, now))
  }

  #charge(flow: ShapedFlow, bytes: number, now: number): void {
    for (const credit of this.credits) credit.tokens -= bytes
    this.deficit -= bytes
    this.turns.charge(flow, bytes, now)
    this.turns.leave(flow)
    this.seat.charge(bytes, now)
  }

  #withdraw(flow: ShapedFlow): void {
    if (flow.ring === undefined) return
    flow.ring.delete(flow)
    this.waitingBytes -= flow.want
  }

  #canUse(credits: readonly Credit[]): boolean {
    return credits.every((credit) => credit.isWorth(this.waitingBytes))
  }

  #available(): number {
    let least = Infinity
    for (const credit of this.credits) if (credit.tokens < least) least = credit.tokens
    return least
  }
}
