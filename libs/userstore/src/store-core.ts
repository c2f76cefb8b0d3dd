import type { HistoryRange, StoreChange, SyncResult, Unreported, Usage, UsageBatch, Used } from './store.ts'
import type { NewUser, OwnedUser, User, UserPatch } from './user.ts'

/**
 * A store without threads, timers and clocks: it blocks, and time (wall clock, ms) is an argument. The worker thread
 * runs one; `UserStore` says what the methods do.
 */
export interface StoreCore {
  readonly installId: string
  list(now: number): { users: User[]; used: Used[] }
  account(batch: UsageBatch, now: number): Used[]
  usage(name: string | undefined, now: number): Usage[]
  history(name: string, range: HistoryRange, now: number): Usage[]
  add(user: NewUser, now: number): User
  update(name: string, patch: UserPatch, now: number): User
  remove(name: string, now: number): void
  sync(owner: string, users: readonly OwnedUser[], now: number): SyncResult
  unreported(owner: string): { entries: Unreported[] }
  report(owner: string, entries: readonly Omit<Unreported, 'key'>[]): void
  /** What changed since the last poll, at first since the store was opened; undefined: nothing. */
  poll(now: number): StoreChange | undefined
  close(): void
}

export interface CoreOptions {
  /** Wall clock when the store is opened, ms. */
  now: number
  /** How long to wait for another program's lock, ms. */
  busyMs: number
}
