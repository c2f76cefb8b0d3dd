import { FairQueue } from '../fair-queue.ts'
import { QueueError } from '../queue-error.ts'
import type { QueueLimits, QueueTicket } from '../queue-types.ts'
import { ManualClock } from './manual-clock.ts'

/** What became of one who came. */
interface Visit {
  readonly user: string
  readonly at: number
  readonly waitedMs: number
  readonly code: string | undefined
}

/** Where a stream of visitors comes from. */
interface Stream extends QueueTicket {
  /** Ms to the next. */
  readonly gapMs: () => number
  /** How long a slot is held. */
  readonly heldMs: () => number
  readonly fromMs?: number
  readonly toMs?: number
}

/** A queue whose visitors come and go by a clock that stands still but for `run`. */
export class QueueSimulation {
  readonly clock: ManualClock = new ManualClock()
  readonly queue: FairQueue
  readonly visits: Visit[] = []
  /** Slot-milliseconds that were used. */
  busyMs = 0
  /** … by user, and by user and client. */
  readonly usedMs: Map<string, number> = new Map()

  constructor(limits: Partial<QueueLimits> = {}) {
    const { clock } = this
    this.queue = new FairQueue({
      slots: 20,
      maxWaiting: 50_000,
      maxWaitingBytes: Infinity,
      timeoutMs: 30_000,
      ...limits,
      clock,
    })
  }

  /** Visitors who come whatever becomes of those before them. */
  stream(stream: Stream): void {
    const { gapMs, fromMs = 0, toMs = Infinity } = stream
    const come = (): void => {
      if (this.clock.now() >= toMs) return
      void this.#visit(stream)
      this.clock.after(gapMs(), come)
    }
    this.clock.after(fromMs, come)
  }

  /** So many visitors who come back as soon as they have left. */
  loop(stream: Omit<Stream, 'gapMs'>, count: number): void {
    const again = async (): Promise<void> => {
      while (this.clock.now() < (stream.toMs ?? Infinity)) await this.#visit(stream)
    }
    this.clock.after(stream.fromMs ?? 0, () => {
      for (let i = 0; i < count; i++) void again()
    })
  }

  /** Until `ms`, in steps short enough that promises do not fall behind. */
  async run(ms: number, stepMs = 0.5): Promise<void> {
    while (this.clock.now() < ms) {
      this.clock.advance(Math.min(stepMs, ms - this.clock.now()))
      for (let i = 0; i < 6; i++) await Promise.resolve()
    }
  }

  /** So long did that part of those of `user` wait who came in that time, at most. */
  waitOf(user: string, quantile: number, fromMs: number = 0, toMs: number = Infinity): number {
    const waits = this.visits
      .filter(
        ({ code, at, ...visit }) => visit.user === user && code === undefined && at >= fromMs && at < toMs,
      )
      .map(({ waitedMs }) => waitedMs)
      .toSorted((a, b) => a - b)
    return waits[Math.min(waits.length - 1, Math.floor(waits.length * quantile))] ?? Number.NaN
  }

  codesOf(user: string): Record<string, number> {
    const codes: Record<string, number> = {}
    for (const { code = 'OK', ...visit } of this.visits) {
      if (visit.user === user) codes[code] = (codes[code] ?? 0) + 1
    }
    return codes
  }

  #count({ user, client }: QueueTicket, heldMs: number): void {
    this.busyMs += heldMs
    for (const key of [user, `${user} ${client}`]) this.usedMs.set(key, (this.usedMs.get(key) ?? 0) + heldMs)
  }

  async #visit(stream: Omit<Stream, 'gapMs'>): Promise<void> {
    const at = this.clock.now()
    const { user } = stream
    try {
      const slot = await this.queue.enter(stream)
      const heldMs = stream.heldMs()
      await new Promise<void>((resolve) => {
        this.clock.after(heldMs, () => {
          this.#count(stream, heldMs)
          slot[Symbol.dispose]()
          resolve()
        })
      })
      this.visits.push({ user, at, waitedMs: slot.waitedMs, code: undefined })
    } catch (error) {
      const code = error instanceof QueueError ? error.code : String(error)
      this.visits.push({ user, at, waitedMs: this.clock.now() - at, code })
    }
  }
}

/** Numbers from 0 to 1 that look like chance and are the same each time (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
