import type { UsageBatch, Used, UserStore } from '@sluice/userstore'
import type { Account } from './account.ts'
import type { Directory } from './directory.ts'
import type { Log } from './log.ts'

export interface LedgerOptions {
  readonly store: Pick<UserStore, 'account'>
  readonly directory: Directory
  /** install id : app : boot id; unlike any other in the life of the store. */
  readonly node: string
  readonly log: Pick<Log, 'error' | 'info'>
  readonly onBatch?: (result: 'ok' | 'failed') => void
  /** Wall clock. @default Date.now */
  readonly now?: () => number
}

/** The most that a store takes in one batch. */
const MAX_ENTRIES = 100_000
const RETRY_MS = 250

interface InFlight {
  readonly batch: UsageBatch
  readonly accounts: readonly Account[]
}

/**
 * Books what passed: `flush` every second takes the counters as one batch with a number of its own. A batch that
 * could not be stored is sent again as it is, under the same number, until the store has it; so nothing is lost while
 * the program lives and nothing is booked twice.
 */
export class Ledger {
  readonly #options: LedgerOptions
  readonly #now: () => number
  #seq = 0
  #inFlight: InFlight | undefined = undefined
  #flushing: Promise<void> | undefined = undefined
  #settledAt: number
  #failing = false

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#settledAt = this.#now()
    options.directory.onAttention = (): void => this.#hasten()
  }

  /** Bytes that are not known to be stored, and for how long there have been any; a crash loses them. */
  pending(): { pendingBytes: number; lagMs: number } {
    let pendingBytes = 0
    for (const account of this.#options.directory.active) {
      pendingBytes += account.pendingBytes + account.flow.up + account.flow.down
    }
    return { pendingBytes, lagMs: pendingBytes === 0 ? 0 : this.#now() - this.#settledAt }
  }

  /** Books what has been counted; one batch at a time. Never rejects: what fails is kept for the next call. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined))
    return this.#flushing
  }

  /** Books everything, trying again until `deadlineMs` have passed. @returns whether all of it is stored */
  async stop(deadlineMs: number, wait: (ms: number) => Promise<unknown>): Promise<boolean> {
    const endsAt = this.#now() + deadlineMs
    await this.flush()
    while (this.pending().pendingBytes > 0) {
      if (this.#failing && this.#now() >= endsAt) return this.#lost()
      if (this.#failing) await wait(RETRY_MS)
      await this.flush()
    }
    return true
  }

  /** What did not fit into the store, so that somebody can book it by hand. */
  #lost(): false {
    const { node, log } = this.#options
    log.error({ node, batch: this.#inFlight?.batch, ...this.pending() }, 'ledger.lost')
    return false
  }

  /** While the store takes nothing, once a second is often enough. */
  #hasten(): void {
    if (!this.#failing) void this.flush()
  }

  async #flush(): Promise<void> {
    this.#inFlight ??= this.#take()
    if (this.#inFlight === undefined) {
      this.#settledAt = this.#now()
      return
    }
    const { batch, accounts } = this.#inFlight
    const { store, onBatch } = this.#options
    try {
      const used = await store.account(batch)
      for (const account of accounts) account.booked()
      this.#inFlight = undefined
      this.#settledAt = this.#now()
      onBatch?.('ok')
      this.#recovered(used)
    } catch (error) {
      onBatch?.('failed')
      this.#failed(error)
    }
  }

  #take(): InFlight | undefined {
    const { directory, node } = this.#options
    const accounts: Account[] = []
    const entries: UsageBatch['entries'][number][] = []
    for (const account of directory.active) {
      if (entries.length === MAX_ENTRIES) break
      const { up, down } = account.drain()
      if (up + down > 0) {
        accounts.push(account)
        entries.push({ userId: account.user.id, up, down })
      } else if (account.isIdle) directory.settle(account)
    }
    if (entries.length === 0) return undefined
    return { batch: { node, seq: ++this.#seq, at: this.#now(), entries }, accounts }
  }

  #recovered(used: readonly Used[]): void {
    for (const each of used) this.#options.directory.byId(each.userId)?.setUsed(each)
    if (!this.#failing) return
    this.#failing = false
    this.#options.log.info({}, 'ledger.recovered')
  }

  /** One line when it begins, not one a second. */
  #failed(err: unknown): void {
    if (this.#failing) return
    this.#failing = true
    this.#options.log.error({ err, ...this.pending() }, 'ledger.failed')
  }
}
