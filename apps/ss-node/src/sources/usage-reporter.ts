import type { BatchKeeper } from './batch-keeper.ts'
import { readUsageAnswer } from './panel-answer.ts'
import type { PanelClient } from './panel-client.ts'
import { isUnapplied } from './source-error.ts'
import type { SourceStore } from './source-store.ts'
import { type Presences, type UsageBatch, usageBatches } from './usage-batch.ts'

export interface UsageReporterOptions {
  readonly owner: string
  readonly store: Pick<SourceStore, 'unreported' | 'report'>
  readonly client: Pick<PanelClient, 'post'>
  readonly keeper: Pick<BatchKeeper, 'kept' | 'keep' | 'letGo'>
  readonly presences: Presences
  /** Monotonic, ms. @default performance.now */
  readonly now?: () => number
}

/**
 * Tells a panel what its users moved. What it has said yes to is noted in the store as reported, and never told again.
 * After a no, the bytes are part of the next batch. Where there was no clear answer the panel may have booked the batch
 * or not: then this very batch, under its key, is sent again before anything new, until the panel says yes.
 */
export class UsageReporter {
  /** Bandwidths are told as well. */
  wantsBandwidth = false
  readonly #options: UsageReporterOptions
  readonly #now: () => number
  /** May have been applied. */
  #frozen: UsageBatch | undefined = undefined
  /** Was applied, and the store does not know yet. */
  #applied: UsageBatch | undefined = undefined
  #seen = new Map<string, Set<string>>()
  #saidAt: number

  constructor(options: UsageReporterOptions) {
    this.#options = options
    this.#now = options.now ?? ((): number => performance.now())
    this.#saidAt = this.#now()
  }

  /** Takes up the batch that an earlier run could not finish. */
  async start(): Promise<void> {
    const { keeper, store, owner } = this.#options
    const kept = await keeper.kept()
    if (kept === undefined) return
    const rows = new Map((await store.unreported(owner)).map((row) => [row.userId, row]))
    // Usage only grows, and a batch is all there was: where less is left of one user, the store has noted the whole batch.
    const isReported = kept.entries.some(({ userId, up, down }) => {
      const row = rows.get(userId)
      return (row?.up ?? 0) < up || (row?.down ?? 0) < down
    })
    if (isReported) await keeper.letGo()
    else this.#frozen = kept
  }

  /**
   * Posts all there is, or an empty batch as a sign of life.
   * @throws SourceError, StoreError; nothing is lost then
   */
  async flush(signal: AbortSignal): Promise<void> {
    if (this.#applied !== undefined) await this.#note(this.#applied)
    if (this.#frozen !== undefined) await this.#send(this.#frozen, signal)
    const { owner, store, presences } = this.#options
    const rows = await store.unreported(owner)
    const seconds = this.wantsBandwidth ? (this.#now() - this.#saidAt) / 1000 : undefined
    const seen = this.#seen
    for await (const batch of usageBatches({ rows, presences, seen, seconds })) {
      await this.#send(batch, signal)
    }
    this.#saidAt = this.#now()
  }

  async #send(batch: UsageBatch, signal: AbortSignal): Promise<void> {
    const { client, keeper } = this.#options
    const isEmpty = batch.entries.length === 0
    if (!isEmpty && batch !== this.#frozen) await keeper.keep(batch)
    try {
      readUsageAnswer(await client.post(batch.body, batch.key, signal))
    } catch (error) {
      // A no to a batch that was sent before says nothing about what became of it then.
      if (!isEmpty && batch !== this.#frozen) await this.#failed(batch, error)
      throw error
    }
    this.#frozen = undefined
    for (const { userId } of batch.entries) this.#seen.delete(userId)
    await this.#note(batch)
  }

  async #failed(batch: UsageBatch, error: unknown): Promise<void> {
    if (isUnapplied(error)) await this.#options.keeper.letGo()
    else this.#frozen = batch
  }

  async #note(batch: UsageBatch): Promise<void> {
    if (batch.entries.length === 0) return
    const { owner, store, keeper } = this.#options
    this.#applied = batch
    await store.report(owner, batch.entries)
    this.#applied = undefined
    await keeper.letGo()
  }
}
