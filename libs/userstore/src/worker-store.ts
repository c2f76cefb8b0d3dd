import type { StoreThread } from './store-thread.ts'
import type { HistoryRange, StoreChange, SyncResult, Unreported } from './store.ts'
import type { Usage, UsageBatch, Used, UserStore } from './store.ts'
import type { NewUser, OwnedUser, User, UserPatch } from './user.ts'

interface Watcher {
  onChange(change: StoreChange): void
  onError(error: unknown): void
}

export interface WorkerStoreOptions {
  /** Wall clock, ms since 1970. */
  clock: { now(): number }
  /** How often watches look for changes, ms. */
  pollMs: number
}

/** A UserStore on a worker thread: adds the time and the polling to the core's calls. */
export class WorkerStore implements UserStore {
  readonly installId: string
  readonly #thread: StoreThread
  readonly #clock: { now(): number }
  readonly #pollMs: number
  readonly #watchers = new Set<Watcher>()
  #timer: NodeJS.Timeout | undefined
  /** Ends with the poll that runs. */
  #polling: Promise<void> | undefined = undefined

  constructor(thread: StoreThread, installId: string, { clock, pollMs }: WorkerStoreOptions) {
    this.installId = installId
    this.#thread = thread
    this.#clock = clock
    this.#pollMs = pollMs
  }

  async list(): Promise<{ users: readonly User[]; used: readonly Used[] }> {
    const users: User[] = []
    const used: Used[] = []
    await this.#thread.pages('list', [this.#clock.now()], (page) => {
      users.push(...page.users)
      used.push(...page.used)
    })
    return { users, used }
  }

  account(batch: UsageBatch): Promise<readonly Used[]> {
    return this.#thread.call('account', batch, this.#clock.now())
  }

  usage(name?: string): Promise<readonly Usage[]> {
    return this.#thread.call('usage', name, this.#clock.now())
  }

  history(name: string, range: HistoryRange): Promise<readonly Usage[]> {
    return this.#thread.call('history', name, range, this.#clock.now())
  }

  add(user: NewUser): Promise<User> {
    return this.#thread.call('add', user, this.#clock.now())
  }

  update(name: string, patch: UserPatch): Promise<User> {
    return this.#thread.call('update', name, patch, this.#clock.now())
  }

  remove(name: string): Promise<void> {
    return this.#thread.call('remove', name, this.#clock.now())
  }

  async sync(owner: string, users: readonly OwnedUser[]): Promise<SyncResult> {
    const result = await this.#thread.callWithList('sync', owner, users, this.#clock.now())
    if (result.changed > 0) await this.#tellNow()
    return result
  }

  async unreported(owner: string): Promise<readonly Unreported[]> {
    const found: Unreported[] = []
    await this.#thread.pages('unreported', [owner], ({ entries }) => found.push(...entries))
    return found
  }

  report(owner: string, entries: readonly Omit<Unreported, 'key'>[]): Promise<void> {
    return this.#thread.callWithList('report', owner, entries)
  }

  watch(onChange: (change: StoreChange) => void, onError: (error: unknown) => void): Disposable {
    const watcher: Watcher = { onChange, onError }
    this.#watchers.add(watcher)
    this.#timer ??= setInterval(() => void this.#poll(), this.#pollMs).unref()
    return {
      [Symbol.dispose]: () => {
        this.#watchers.delete(watcher)
        if (this.#watchers.size === 0) this.#stopPolling()
      },
    }
  }

  close(): Promise<void> {
    this.#watchers.clear()
    this.#stopPolling()
    return this.#thread.close()
  }

  #stopPolling(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Watchers need not wait for the next tick. */
  async #tellNow(): Promise<void> {
    // One that runs may have looked before.
    await this.#polling
    if (this.#timer !== undefined) await this.#poll()
  }

  /** A poll that a busy disk holds up is not overtaken by the next. */
  #poll(): Promise<void> {
    this.#polling ??= this.#tellAll().finally(() => (this.#polling = undefined))
    return this.#polling
  }

  async #tellAll(): Promise<void> {
    try {
      await this.#thread.pages('poll', [this.#clock.now()], (change) => {
        for (const watcher of this.#watchers) tell(watcher, change)
      })
    } catch (error) {
      for (const watcher of this.#watchers) watcher.onError(error)
      // A dead thread is told once, not at every tick.
      if (!this.#thread.alive) this.#stopPolling()
    }
  }
}

function tell(watcher: Watcher, change: StoreChange): void {
  try {
    watcher.onChange(change)
  } catch (error) {
    watcher.onError(error)
  }
}
