import type { NewUser, OwnedUser, User, UserPatch } from './user.ts'

/** What users moved since the last batch. Counted once however often it is sent, by (node, seq). */
export interface UsageBatch {
  /** Who counted: one running program, at most 255 characters. */
  node: string
  /** Grows with every batch of the node. One at or below the highest that was stored is ignored. */
  seq: number
  /** Wall clock, ms since 1970: the day the bytes are booked on. */
  at: number
  entries: readonly { userId: string; up: number; down: number }[]
}

/** Bytes in the user's current quota period over all nodes; of the whole life where there is no quotaPeriod. */
export interface Used {
  userId: string
  up: number
  down: number
  /** 'all', 'day:2026-11-21', 'month:2026-11-15' */
  period: string
}

/** The same for people, as `user usage --json` prints it. */
export interface Usage {
  name: string
  period: string
  up: number
  down: number
  total: number
}

/** Local days of a user, in their `quotaZone`, both ends included, as 'YYYY-MM-DD'. */
export interface HistoryRange {
  from?: string
  to?: string
  /** A row for each day with traffic, or for each of the user's quota periods: the sum of its days within the range. */
  by: 'day' | 'period'
}

/** Bytes of an owner's user over its whole life that were not reported yet. */
export interface Unreported {
  userId: string
  /** By which the owner knows the user. */
  key: string
  up: number
  down: number
}

export interface SyncResult {
  /** Users added, changed, or removed. */
  changed: number
  /** Users that cannot be, and why, without secrets; the first 1,000. Whoever was there before stays as they were. */
  refused: readonly { key: string; problem: string }[]
}

/** One page of what changed: a great change comes in several, a user together with what they used. */
export interface StoreChange {
  /** Added or changed. */
  users: readonly User[]
  /** Ids of users that are gone. */
  removed: readonly string[]
  /** Of users that were added or changed, whose usage moved, or whose period began anew. */
  used: readonly Used[]
}

/**
 * Who the users are, what limits they have, and what they used. Byte counts are whole numbers up to 2^53 (8 PiB).
 * Every method rejects with a StoreError; STORE_BUSY, STORE_WRITE, STORE_CLOSED and STORE_FAILED can come from any.
 */
export interface UserStore {
  /** Made with the store and kept for its life; the first part of a ledger's node name. */
  readonly installId: string
  /** All users, in the order they were added. */
  list(): Promise<{ users: readonly User[]; used: readonly Used[] }>
  /**
   * Tells what changed since the store was opened, by this or any other program, within a second (a poll each
   * half a second). A store that cannot be read, such as a users file with a mistake, goes to `onError` and
   * the last good users stay. To miss nothing in a second watch, call watch() before list().
   * Pages have at most 100 users, removals and totals each, and a turn of the event loop lies between them.
   */
  watch(onChange: (change: StoreChange) => void, onError: (error: unknown) => void): Disposable
  /** Books a batch, on disk when it resolves. Gives the totals of the batch's users that exist, over all nodes. */
  account(batch: UsageBatch): Promise<readonly Used[]>
  /** Of one user (USER_UNKNOWN), or of all. */
  usage(name?: string): Promise<readonly Usage[]>
  /** What a user moved in days gone by, oldest first. Throws USER_UNKNOWN. */
  history(name: string, range: HistoryRange): Promise<readonly Usage[]>
  /**
   * Makes an owner's users exactly these, in one transaction that writes only what differs. A user's id is `owner:key`;
   * who comes back has the same, and their usage goes on. The name is `owner-key`, or the first free one of
   * `owner-key~2`, `owner-key~3` …, and stays while they do. Nobody else's users are touched. At most 100,000. Watchers of this store have been told
   * when it resolves.
   * @throws StoreError USER_VALUE for an owner or a number that cannot be, STORE_OWNERS for a store of another kind
   */
  sync(owner: string, users: readonly OwnedUser[]): Promise<SyncResult>
  /** What an owner's users, removed ones too, moved in their lives beyond what was reported. Throws STORE_OWNERS. */
  unreported(owner: string): Promise<readonly Unreported[]>
  /** Adds to what is reported, on disk when it resolves; all or none. Throws BATCH_VALUE, STORE_OWNERS. */
  report(owner: string, entries: readonly Omit<Unreported, 'key'>[]): Promise<void>
  /** Throws USER_EXISTS, USER_NAME, USER_VALUE. */
  add(user: NewUser): Promise<User>
  /** Throws USER_UNKNOWN, USER_OWNED, USER_VALUE. */
  update(name: string, patch: UserPatch): Promise<User>
  /** Throws USER_UNKNOWN, USER_OWNED. The usage of the user stays in the store, and is not that of a later user of this name. */
  remove(name: string): Promise<void>
  /** Ends after all calls made before; later calls reject with STORE_CLOSED. */
  close(): Promise<void>
}
