import type { Writable } from 'node:stream'
import { cacheStores, type Dispatcher, interceptors } from 'undici'
import { MemoryCache } from './memory-cache.ts'
import { fieldOf } from './origin-fields.ts'
import type { OriginRequest } from './origin-conn.ts'

export interface ResponseCacheOptions {
  /** Bytes in memory, or a file of SQLite's; left out, what comes stays just long enough for who waits for it. */
  readonly store?: { readonly bytes: number } | { readonly file: string } | undefined
  /** Who asks for what another one is being told waits whether the cache will have it. */
  readonly coalesce: boolean
}

/** What a cached request is dispatched with. */
export interface CacheDispatch extends Dispatcher.DispatchOptions {
  readonly live: (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => void
}

const MAX_ENTRY_BYTES = 1024 * 1024
/** A file is bounded by the number of its entries. */
const MAX_FILE_ENTRIES = 10_000
/** Where nothing is cached, but requests are coalesced. */
const PASSING_BYTES = 16 * 1024 * 1024
const PASSING_MS = 1000
/** Fields with which a request goes past the cache: what comes may be for one person, or is a part, or may be nothing. */
const PERSONAL = [
  'authorization',
  'cookie',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-range',
]
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

const live: Dispatcher.Dispatch = (options, handler) => {
  ;(options as CacheDispatch).live(options, handler)
  return true
}

type Store = Pick<InstanceType<typeof cacheStores.MemoryCacheStore>, 'get' | 'createWriteStream' | 'delete'>
type OpenStore = Store & { close?: () => void; clear?: () => void }

/** A shared cache (RFC 9111) of what origins say that all may have, for GET alone. The rules are undici's. */
export class ResponseCache {
  readonly #coalesces: boolean
  /** Responses that it began to store. */
  stored = 0
  hits = 0
  readonly #store: OpenStore
  readonly #dispatch: Dispatcher.Dispatch
  readonly #flights = new Map<string, Promise<void>>()

  /** @throws what opening the file throws */
  constructor({ store, coalesce }: ResponseCacheOptions) {
    this.#coalesces = coalesce
    this.#store = openStore(store)
    const watched: Store = {
      get: (key) => this.#store.get(key),
      delete: (key) => this.#store.delete(key),
      createWriteStream: (key, value): Writable | undefined => {
        this.stored += 1
        return this.#store.createWriteStream(key, value)
      },
    }
    this.#dispatch = interceptors.cache({ store: watched, methods: ['GET'], type: 'shared' })(live)
  }

  /** Whether a response to it may come from here, or stay here. */
  takes({ method, body, fields }: OriginRequest): boolean {
    if (method !== 'GET' || body !== undefined) return false
    if (PERSONAL.some((name) => fieldOf(fields, name) !== undefined)) return false
    return !/only-if-cached|no-store/i.test(fieldOf(fields, 'cache-control') ?? '')
  }

  dispatch(options: CacheDispatch, handler: Dispatcher.DispatchHandler): void {
    this.#dispatch(options, handler)
  }

  /** What changes something there has succeeded: what is known of it does not hold any more (RFC 9111 §4.4). */
  answered({ method, url }: OriginRequest, status: number): void {
    if (SAFE.has(method) || status >= 400) return
    void this.#store.delete({ origin: url.origin, method: 'GET', path: url.pathname + url.search })
  }

  /** Who asks for this now, and is not answered yet; resolves when it is known whether there is something here. */
  flight(url: URL): Promise<void> | undefined {
    return this.#flights.get(keyOf(url))
  }

  /** @returns to be called when it is known whether there is something here */
  takeOff(url: URL): () => void {
    const key = keyOf(url)
    if (!this.#coalesces || this.#flights.has(key)) return () => {}
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#flights.set(key, promise)
    return () => {
      if (this.#flights.get(key) === promise) this.#flights.delete(key)
      resolve()
    }
  }

  clear(): void {
    this.#store.clear?.()
  }

  close(): void {
    this.#store.close?.()
  }
}

const openStore = (store: ResponseCacheOptions['store']): OpenStore => {
  if (store === undefined) return new MemoryCache(PASSING_BYTES, MAX_ENTRY_BYTES, PASSING_MS)
  if ('bytes' in store) return new MemoryCache(store.bytes, MAX_ENTRY_BYTES)
  const { SqliteCacheStore } = cacheStores
  return new SqliteCacheStore({
    location: store.file,
    maxCount: MAX_FILE_ENTRIES,
    maxEntrySize: MAX_ENTRY_BYTES,
  })
}

const keyOf = ({ origin, pathname, search }: URL): string => origin + pathname + search
