import { extname, resolve } from 'node:path'
import { StoreError } from './store-error.ts'
import { StoreThread } from './store-thread.ts'
import type { UserStore } from './store.ts'
import { WorkerStore } from './worker-store.ts'

export interface OpenStoreOptions {
  /** Wall clock, ms since 1970; by default Date. */
  clock?: { now(): number }
  /** How often watches look for changes, ms. Default 500. */
  pollMs?: number
  /** How long to wait for another program's lock before STORE_BUSY, ms. Default 10,000. */
  busyMs?: number
}

const URL_MAX = 4096
const STORE_URL = /^(sqlite|json):(.+)$/s

/**
 * Opens `sqlite:PATH` or `json:PATH`, and makes it where there is none. Several programs may use one store.
 * @throws StoreError STORE_URL, STORE_OPEN, STORE_BUSY, STORE_CORRUPT, STORE_FORMAT, STORE_SCHEMA_NEWER
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<UserStore> {
  const { clock = Date, pollMs = 500, busyMs = 10_000 } = options
  const { kind, file } = parseStoreUrl(url)
  const thread = new StoreThread(workerUrl(), { kind, file, now: clock.now(), busyMs })
  return new WorkerStore(thread, await thread.opened, { clock, pollMs })
}

/** The store's kind and absolute file. Throws STORE_URL. */
export function parseStoreUrl(url: string): { kind: 'sqlite' | 'json'; file: string } {
  const [, kind, path] = url.length <= URL_MAX && !url.includes('\0') ? (STORE_URL.exec(url) ?? []) : []
  if (kind === undefined || path === undefined)
    throw new StoreError(
      'STORE_URL',
      `store: wanted sqlite:PATH or json:PATH, got ${JSON.stringify(url.slice(0, 80))}`,
    )
  return { kind: kind === 'json' ? 'json' : 'sqlite', file: resolve(path) }
}

/** The thread's code lies beside this file, whether that is source, compiled, or bundled. */
const workerUrl = (): URL => new URL(`./sqlite-worker${extname(import.meta.url)}`, import.meta.url)
