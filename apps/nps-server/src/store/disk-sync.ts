import type { RecordStore } from './record-store.ts'

export interface DiskSyncOptions {
  readonly store: Pick<RecordStore, 'sync'>
  readonly onError: (error: unknown) => void
  /** ms. */
  readonly now: number
}

/** A power cut costs no more than that, and what the disk takes for it. */
const SYNC_MS = 2000

/** Has what was booked taken to the disk every two seconds; one at a time, however slow the disk is. */
export class DiskSync {
  readonly #options: DiskSyncOptions
  #at: number
  #running: Promise<void> | undefined = undefined

  constructor(options: DiskSyncOptions) {
    this.#options = options
    this.#at = options.now
  }

  /** To be called twice a second. */
  tick(now: number): void {
    if (now - this.#at < SYNC_MS || this.#running !== undefined) return
    this.#at = now
    this.#running = this.#sync()
  }

  /** Ends with the one that is under way. */
  async end(): Promise<void> {
    await this.#running
  }

  async #sync(): Promise<void> {
    const { store, onError } = this.#options
    try {
      await store.sync()
    } catch (error) {
      onError(error)
    } finally {
      this.#running = undefined
    }
  }
}
