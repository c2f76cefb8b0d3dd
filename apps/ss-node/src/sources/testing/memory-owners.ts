import type { OwnedUser, SyncResult, Unreported } from '@sluice/userstore'
import type { SourceStore } from '../source-store.ts'

/** Users of owners, and what they moved, in memory. */
export class MemoryOwners implements SourceStore {
  readonly installId = 'install'
  /** Lists as they were synced, by owner. */
  readonly synced: { readonly owner: string; readonly users: readonly OwnedUser[] }[] = []
  readonly #moved = new Map<string, Moved>()
  readonly #reported = new Map<string, Moved>()
  /** Thrown by the next call that writes. */
  unwell: Error | undefined = undefined
  refused: SyncResult['refused'] = []

  /** Keys of an owner's users. */
  keys(owner: string): string[] | undefined {
    return this.synced.findLast((each) => each.owner === owner)?.users.map(({ key }) => key)
  }

  move(userId: string, up: number, down: number): void {
    add(this.#moved, userId, up, down)
  }

  async sync(owner: string, users: readonly OwnedUser[]): Promise<SyncResult> {
    this.#throwOnce()
    this.synced.push({ owner, users })
    return { changed: users.length, refused: this.refused }
  }

  async unreported(owner: string): Promise<readonly Unreported[]> {
    const rows = [...this.#moved].filter(([userId]) => userId.startsWith(`${owner}:`))
    return rows
      .map(([userId, moved]) => {
        const { up, down } = this.#reported.get(userId) ?? NOTHING
        const key = userId.slice(owner.length + 1)
        return { userId, key, up: Math.max(0, moved.up - up), down: Math.max(0, moved.down - down) }
      })
      .filter(({ up, down }) => up + down > 0)
  }

  async report(_owner: string, entries: readonly Omit<Unreported, 'key'>[]): Promise<void> {
    this.#throwOnce()
    for (const { userId, up, down } of entries) add(this.#reported, userId, up, down)
  }

  #throwOnce(): void {
    const error = this.unwell
    this.unwell = undefined
    if (error !== undefined) throw error
  }
}

interface Moved {
  readonly up: number
  readonly down: number
}

const NOTHING: Moved = { up: 0, down: 0 }

const add = (totals: Map<string, Moved>, userId: string, up: number, down: number): void => {
  const before = totals.get(userId) ?? NOTHING
  totals.set(userId, { up: before.up + up, down: before.down + down })
}
