import type { Log } from '@sluice/service'
import type { FlowTotals } from './records.ts'
import type { LiveClient, LiveHost, LiveTunnel } from './registry.ts'
import { BusySpell } from './store/busy-spell.ts'
import type { FlowEntry } from './store/flow-table.ts'
import type { RecordStore } from './store/record-store.ts'

export type AnyLevel = LiveClient | LiveTunnel | LiveHost

export interface LevelLedgerOptions {
  readonly store: Pick<RecordStore, 'book'>
  readonly log: Pick<Log, 'error' | 'info'>
  /** Wall clock. */
  readonly now: () => number
  /** @default BATCH_MAX */
  readonly batchMax?: number
}

interface InFlight {
  readonly entries: readonly FlowEntry[]
  readonly levels: readonly AnyLevel[]
  readonly at: number
}

/**
 * With so many levels a batch is full. Whoever books does nothing else meanwhile: so many keep the traffic waiting for 1 or
 * 2 ms.
 */
export const BATCH_MAX = 64
/**
 * A client, its tunnels and its hosts are in one batch, so that no kill comes between them and their sums stay equal; but
 * no more of one client than so many batches would hold.
 */
export const BATCHES_MAX = 4
/** Stands between one client and the next. */
const NEXT_CLIENT = undefined

/** Records that were lent have ids below 0, and no store. */
export const isLent = ({ record }: AnyLevel): boolean => record.id < 0

/**
 * Books what passed clients, tunnels and hosts, in rounds: one looks at each of them once, and takes as many turns as it
 * needs batches. A batch is counted and stored at once, so whatever is not in the store is still counted where it passed. What
 * could not be stored is sent again as it is until the store has it; so nothing is lost while the program lives, and nothing
 * is booked twice.
 */
export class LevelLedger {
  readonly #options: LevelLedgerOptions
  /** Those that were removed and may still have something to book. */
  readonly #leaving = new Set<AnyLevel>()
  readonly #busy: BusySpell
  /** Those that the round has still to look at. */
  #round: Round | undefined = undefined
  #inFlight: InFlight | undefined = undefined
  #failing = false

  constructor(options: LevelLedgerOptions) {
    this.#options = options
    this.#busy = new BusySpell(options.now)
  }

  /** It is gone from the registry; what still passes while its sessions end is booked as well. */
  leave(level: AnyLevel): void {
    this.#leaving.add(level)
  }

  /** What the store does not have yet. */
  unbooked(level: AnyLevel): FlowTotals {
    const { flow } = level.account
    const nth = this.#inFlight?.levels.indexOf(level) ?? -1
    const sent = this.#inFlight?.entries[nth]
    return { inlet: flow.up + (sent?.inlet ?? 0), export: flow.down + (sent?.export ?? 0) }
  }

  /** Some levels were not looked at yet: the next `flush` goes on with them. */
  get isUnderWay(): boolean {
    return this.#round !== undefined
  }

  /** The next `flush` looks at all levels from the first one on. */
  startOver(): void {
    this.#round = undefined
  }

  /**
   * Books the next batch of the round, or the first of another. Never throws: what fails is kept for the next call, which
   * books it and the first batch of what came since.
   * @param levels all that are there; those added and removed in the midst of a round are found as well
   * @returns the revision of the write; `none`: there was nothing to write up to the end of the round; undefined: it failed
   */
  flush(levels: Iterable<AnyLevel>): number | 'none' | undefined {
    if (this.#inFlight !== undefined && this.#send(this.#inFlight) === undefined) return undefined
    this.#round ??= this.#counted(levels)
    this.#inFlight = this.#take(this.#round)
    return this.#inFlight === undefined ? 'none' : this.#send(this.#inFlight)
  }

  #send({ entries, levels, at }: InFlight): number | undefined {
    try {
      const { revision, totals } = this.#options.store.book(entries, at)
      this.#inFlight = undefined
      for (const { account } of levels) account.booked()
      for (const [nth, { inlet, export: down, period }] of totals.entries())
        levels[nth]?.account.setUsed({ userId: '', up: inlet, down, period })
      this.#recovered()
      return revision
    } catch (error) {
      this.startOver()
      this.#failed(error)
      return undefined
    }
  }

  /** Tells what the store did not take, so that somebody can book it by hand. */
  lost(levels: Iterable<AnyLevel>): void {
    const entries = [...levels, ...this.#leaving]
      .map((level) => ({ kind: level.kind, id: level.record.id, ...this.unbooked(level) }))
      .filter(({ inlet, export: out }) => inlet + out > 0)
    this.#options.log.error({ entries }, 'records.lost')
  }

  /** Those that have something to book when their turn comes. */
  *#counted(levels: Iterable<AnyLevel>): Round {
    let client: number | undefined
    for (const level of levels) {
      if (!hasCounted(level)) continue
      const its = clientOf(level)
      if (its !== client) yield NEXT_CLIENT
      client = its
      yield level
    }
    for (const level of this.#leaving) {
      if (hasCounted(level)) {
        yield NEXT_CLIENT
        yield level
      } else if (level.account.sessions === 0) this.#leaving.delete(level)
    }
  }

  #take(round: Round): InFlight | undefined {
    const entries: FlowEntry[] = []
    const booked: AnyLevel[] = []
    const { batchMax = BATCH_MAX, now } = this.#options
    while (entries.length < batchMax * BATCHES_MAX) {
      const { value: level, done } = round.next()
      if (done === true) {
        this.#round = undefined
        break
      }
      if (level === NEXT_CLIENT) {
        if (entries.length >= batchMax) break
        continue
      }
      const { up, down } = level.account.drain()
      if (isLent(level)) {
        level.account.booked()
        continue
      }
      booked.push(level)
      const { id, limits } = level.record
      entries.push({ kind: level.kind, id, limits, inlet: up, export: down })
    }
    return entries.length === 0 ? undefined : { entries, levels: booked, at: now() }
  }

  #recovered(): void {
    this.#busy.over()
    if (!this.#failing) return
    this.#failing = false
    this.#options.log.info({}, 'records.recovered')
  }

  /** One line when it begins, not two a second; none for the moment in which another program writes. */
  #failed(err: unknown): void {
    if (this.#failing || !this.#busy.isTrouble(err)) return
    this.#failing = true
    this.#options.log.error({ err }, 'records.failed')
  }
}

type Round = Generator<AnyLevel | typeof NEXT_CLIENT, void, void>

const clientOf = (level: AnyLevel): number => ('client' in level ? level.client.record.id : level.record.id)

const hasCounted = ({ account: { flow } }: AnyLevel): boolean => flow.up + flow.down > 0
