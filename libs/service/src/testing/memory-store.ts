import {
  StoreError,
  type StoreChange,
  type SyncResult,
  type Unreported,
  type Usage,
  type UsageBatch,
  type Used,
  type User,
  type UserStore,
} from '@sluice/userstore'

/** How a call of `account` ends: the batch is refused, or booked and the answer lost. */
export type Failure = 'before' | 'after'

interface Watcher {
  onChange(change: StoreChange): void
  onError(error: unknown): void
}

/** A user as the store would have it; the id is the name unless it is told. */
export const userOf = (name: string, rest: Partial<User> = {}): User => ({
  id: name,
  name,
  enabled: true,
  limits: {},
  credentials: [],
  ...rest,
})

/** A store in memory, whose changes are told at once and whose ledger fails as it is told. */
export class MemoryStore implements UserStore {
  readonly installId: string = 'memory'
  /** All that was sent to `account`, in order. */
  readonly sent: UsageBatch[] = []
  /** Total bytes booked, by user id. */
  readonly booked: Map<string, number> = new Map()
  /** What the next calls of `account` come to; beyond them all succeed. */
  readonly failures: (Failure | undefined)[] = []
  closed = false
  /** `account` waits for this. */
  gate: Promise<void> | undefined = undefined
  readonly #users = new Map<string, User>()
  readonly #seqs = new Map<string, number>()
  readonly #watchers = new Set<Watcher>()

  constructor(...users: User[]) {
    for (const user of users) this.#users.set(user.id, user)
  }

  /** Adds or changes users, in one change event. */
  put(...users: User[]): void {
    for (const user of users) this.#users.set(user.id, user)
    this.tell({ users, used: users.map(({ id }) => this.usedOf(id)) })
  }

  /** Removes and adds users, in one change event. */
  replace(removed: readonly string[], users: readonly User[] = []): void {
    for (const id of removed) this.#users.delete(id)
    for (const user of users) this.#users.set(user.id, user)
    this.tell({ users, removed })
  }

  /** Another node books bytes of a user. */
  bookElsewhere(id: string, bytes: number): void {
    this.booked.set(id, (this.booked.get(id) ?? 0) + bytes)
    this.tell({ used: [this.usedOf(id)] })
  }

  tell(change: Partial<StoreChange>): void {
    for (const watcher of this.#watchers) watcher.onChange({ users: [], removed: [], used: [], ...change })
  }

  tellError(error: unknown): void {
    for (const watcher of this.#watchers) watcher.onError(error)
  }

  usedOf(userId: string): Used {
    return { userId, up: this.booked.get(userId) ?? 0, down: 0, period: 'all' }
  }

  async list(): Promise<{ users: User[]; used: Used[] }> {
    const users = [...this.#users.values()]
    return { users, used: users.map(({ id }) => this.usedOf(id)) }
  }

  watch(onChange: (change: StoreChange) => void, onError: (error: unknown) => void): Disposable {
    const watcher = { onChange, onError }
    this.#watchers.add(watcher)
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) }
  }

  async account(batch: UsageBatch): Promise<Used[]> {
    this.sent.push(structuredClone(batch))
    await this.gate
    const failure = this.failures.shift()
    if (failure === 'before') throw new StoreError('STORE_WRITE', 'the disk is full')
    if (batch.seq > (this.#seqs.get(batch.node) ?? 0)) this.#book(batch)
    if (failure === 'after') throw new StoreError('STORE_FAILED', 'the answer is lost')
    const known = batch.entries.filter(({ userId }) => this.#users.has(userId))
    return known.map(({ userId }) => this.usedOf(userId))
  }

  async usage(): Promise<Usage[]> {
    return []
  }

  async history(): Promise<Usage[]> {
    return []
  }

  async sync(): Promise<SyncResult> {
    throw new StoreError('STORE_OWNERS', 'use replace')
  }

  async unreported(): Promise<Unreported[]> {
    throw new StoreError('STORE_OWNERS', 'nobody has an owner')
  }

  async report(): Promise<void> {
    throw new StoreError('STORE_OWNERS', 'nobody has an owner')
  }

  async add(): Promise<User> {
    throw new StoreError('STORE_WRITE', 'use put')
  }

  async update(): Promise<User> {
    throw new StoreError('STORE_WRITE', 'use put')
  }

  async remove(): Promise<void> {
    throw new StoreError('STORE_WRITE', 'use replace')
  }

  async close(): Promise<void> {
    this.closed = true
  }

  #book({ node, seq, entries }: UsageBatch): void {
    this.#seqs.set(node, seq)
    for (const { userId, up, down } of entries) {
      this.booked.set(userId, (this.booked.get(userId) ?? 0) + up + down)
    }
  }
}
