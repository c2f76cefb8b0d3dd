import { Ring } from './ring.ts'
import { Sharer, Shares } from './shares.ts'
import type { Mark, Waiter } from './waiter.ts'

/** Those of one client and one priority: first come, first served. */
export class UserLine extends Sharer {
  readonly user: QueueUser
  readonly priority: number
  readonly waiters: Ring<Waiter> = new Ring()
  /** How many have come to wait here. */
  came = 0

  constructor(user: QueueUser, priority: number, client: string) {
    super(client, user.meanMs)
    this.user = user
    this.priority = priority
  }
}

/** Lines of one priority. */
class Rank {
  readonly lines: Shares<UserLine>
  waiting = 0

  constructor(user: QueueUser, priority: number) {
    this.lines = new Shares((client) => new UserLine(user, priority, client))
  }
}

/** A user: its lines, and what all who wait in them bring. */
export class QueueUser extends Sharer {
  readonly #ranks: (Rank | undefined)[] = [undefined, undefined, undefined]
  /** By age: those that bring bytes, and those that bring none. */
  readonly #laden = new Ring<Mark>()
  readonly #plain = new Ring<Mark>()
  bytes = 0

  line(client: string, priority: number): UserLine {
    return this.#rank(priority).lines.of(client)
  }

  /** Adds one that has just come. */
  push(waiter: Waiter): void {
    const { line, bytes, kin } = waiter
    const rank = this.#rank(line.priority)
    rank.waiting++
    rank.lines.wait(line)
    line.waiters.push(waiter)
    if (bytes > 0) this.#laden.push(kin)
    else this.#plain.push(kin)
    this.bytes += bytes
  }

  /** Takes one out that gets no slot. */
  remove(waiter: Waiter): void {
    this.#unlink(waiter)
    this.#rank(waiter.line.priority).lines.quit(waiter.line)
  }

  /** Takes one out that gets a slot, at a cost of `costMs` as far as is known. */
  take(waiter: Waiter, costMs: number): void {
    this.#unlink(waiter)
    this.#rank(waiter.line.priority).lines.start(waiter.line, costMs, true)
  }

  /** A slot for one that has not waited. */
  start(line: UserLine, costMs: number): void {
    this.#rank(line.priority).lines.start(line, costMs, false)
  }

  /** A slot that `line` has had is given back. */
  end(line: UserLine, costMs: number, heldMs: number): void {
    this.#rank(line.priority).lines.end(line, costMs, heldMs)
  }

  /** Whose turn it is: the highest priority, then the client that has had least. */
  get foremost(): Waiter | undefined {
    for (const rank of this.#ranks) {
      const line = rank?.lines.head
      if (line !== undefined) return line.waiters.head
    }
    return undefined
  }

  get oldest(): Waiter | undefined {
    const [laden, plain] = [this.#laden.head?.waiter, this.#plain.head?.waiter]
    if (laden === undefined || plain === undefined) return laden ?? plain
    return laden.since < plain.since ? laden : plain
  }

  get newest(): Waiter | undefined {
    const [laden, plain] = [this.#laden.tail?.waiter, this.#plain.tail?.waiter]
    if (laden === undefined || plain === undefined) return laden ?? plain
    return laden.since > plain.since ? laden : plain
  }

  /** Of those that bring bytes. */
  get newestLaden(): Waiter | undefined {
    return this.#laden.tail?.waiter
  }

  /** How many go before the `place`th of a client's line, and it: at most that. */
  aheadOf(client: string, priority: number, place?: number): number {
    const rank = this.#ranks[priority]
    const line = rank?.lines.find(client)
    const own = place ?? (line?.waiting ?? 0) + 1
    let ahead = 0
    for (let higher = 0; higher < priority; higher++) ahead += this.#ranks[higher]?.waiting ?? 0
    if (rank === undefined) return ahead + own
    const takers = rank.lines.size + (line === undefined || line.waiting === 0 ? 1 : 0)
    return ahead + Math.min(own * takers, rank.waiting + (place === undefined ? 1 : 0))
  }

  /** The first `most` by age. */
  *waiters(most: number): Generator<Waiter> {
    let laden = this.#laden.head
    let plain = this.#plain.head
    for (let i = 0; i < most; i++) {
      const isLaden = laden !== undefined && (plain === undefined || laden.waiter.since < plain.waiter.since)
      const mark = isLaden ? laden : plain
      if (mark === undefined) return
      yield mark.waiter
      if (isLaden) laden = mark.next
      else plain = mark.next
    }
  }

  #unlink(waiter: Waiter): void {
    this.#rank(waiter.line.priority).waiting--
    waiter.line.waiters.delete(waiter)
    waiter.kin.ring?.delete(waiter.kin)
    this.bytes -= waiter.bytes
  }

  #rank(priority: number): Rank {
    return (this.#ranks[priority] ??= new Rank(this, priority))
  }
}
