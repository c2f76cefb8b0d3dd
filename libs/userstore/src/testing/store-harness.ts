import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { openStore, type OpenStoreOptions } from '../open-store.ts'
import type { StoreChange, UserStore } from '../store.ts'

export type StoreKind = 'sqlite' | 'json'

/** Wall time that stands still until a test moves it. Begins at noon UTC of 21 November 2026. */
export class ManualClock {
  at: number = Date.UTC(2026, 10, 21, 12)

  now(): number {
    return this.at
  }
}

/** A data directory of one test, and the stores that it opens there. */
export interface DataDir {
  readonly dir: string
  readonly clock: ManualClock
  /** The file behind the store URL. */
  readonly file: string
  readonly url: string
  open(options?: OpenStoreOptions): Promise<UserStore>
}

/** Gives each test a data directory of its own. Stores still open when the test ends are closed. */
export function dataDirs(kind: StoreKind): () => DataDir {
  const dirs: { dir: string; stores: UserStore[] }[] = []
  afterEach(async () => {
    for (const { dir, stores } of dirs.splice(0)) {
      await Promise.all(stores.map((store) => store.close()))
      rmSync(dir, { recursive: true })
    }
  })
  return () => {
    const dir = mkdtempSync(join(tmpdir(), 'userstore-'))
    const stores: UserStore[] = []
    dirs.push({ dir, stores })
    const clock = new ManualClock()
    const file = join(dir, kind === 'json' ? 'users.json' : 'sluice.db')
    const url = `${kind}:${file}`
    const open = async (options?: OpenStoreOptions): Promise<UserStore> => {
      const store = await openStore(url, { clock, pollMs: 10, ...options })
      stores.push(store)
      return store
    }
    return { dir, clock, file, url, open }
  }
}

/** What a store's watch tells. */
export interface Changes {
  readonly seen: readonly StoreChange[]
  readonly errors: readonly unknown[]
  /** Waits until what was seen so far holds for `enough`. */
  readonly until: (enough: () => boolean) => Promise<void>
  readonly stop: () => void
}

export function changesOf(store: UserStore): Changes {
  const seen: StoreChange[] = []
  const errors: unknown[] = []
  const checks = new Set<() => void>()
  const check = (): void => checks.forEach((run) => run())
  const watch = store.watch(
    (change) => {
      seen.push(change)
      check()
    },
    (error) => {
      errors.push(error)
      check()
    },
  )
  const until = (enough: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const run = (): void => {
        if (!enough()) return
        checks.delete(run)
        resolve()
      }
      checks.add(run)
      run()
    })
  return { seen, errors, until, stop: () => watch[Symbol.dispose]() }
}
