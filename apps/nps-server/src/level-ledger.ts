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
}

interface InFlight {
  readonly entries: readonly FlowEntry[]
  readonly levels: readonly AnyLevel[]
  readonly at: number
}

/** Records that were lent have ids below 0, and no store. */
export const isLent = ({ record }: AnyLevel): boolean => record.id < 0

/**
 * Books what passed clients, tunnels and hosts. What could not be stored is sent again as it is until the store has it; so
 * nothing is lost while the program lives, and nothing is booked twice.
 */
export class LevelLedger {
  readonly #options: LevelLedgerOptions
  /** Those that were removed and may still have something to book. */
  readonly #leaving = new Set<AnyLevel>()
  #inFlight: InFlight | undefined = undefined
  #failing = false

  readonly #busy: BusySpell

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

  /**
   * Books what has been counted. Never throws: what fails is kept for the next call, which books it and what came since.
   * @returns the revision of the write; `none`: there was nothing to write; undefined: it failed
   */
  flush(levels: Iterable<AnyLevel>): number | 'none' | undefined {
    if (this.#inFlight !== undefined && this.#send(this.#inFlight) === undefined) return undefined
    this.#inFlight = this.#take(levels)
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

  #take(levels: Iterable<AnyLevel>): InFlight | undefined {
    const counted: AnyLevel[] = []
    for (const level of levels) if (hasCounted(level)) counted.push(level)
    for (const level of this.#leaving) {
      if (hasCounted(level)) counted.push(level)
      else if (level.account.sessions === 0) this.#leaving.delete(level)
    }
    const entries: FlowEntry[] = []
    const booked: AnyLevel[] = []
    for (const level of counted) {
      const { up, down } = level.account.drain()
      if (isLent(level)) {
        level.account.booked()
        continue
      }
      booked.push(level)
      const { id, limits } = level.record
      entries.push({ kind: level.kind, id, limits, inlet: up, export: down })
    }
    return entries.length === 0 ? undefined : { entries, levels: booked, at: this.#options.now() }
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

const hasCounted = ({ account: { flow } }: AnyLevel): boolean => flow.up + flow.down > 0
