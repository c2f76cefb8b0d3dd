import { Writable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import type { cacheStores } from 'undici'

type Store = InstanceType<typeof cacheStores.MemoryCacheStore>
type Key = Parameters<Store['createWriteStream']>[0]
type Value = Parameters<Store['createWriteStream']>[1]
type Found = Exclude<ReturnType<Store['get']>, Promise<unknown> | undefined>

interface Entry extends Value {
  readonly body: Buffer[]
  readonly bytes: number
}

/** Of one URL, by Vary; the oldest goes first. */
const MAX_VARIANTS = 8
/** What an entry costs beside its body and its fields, about. */
const ENTRY_BYTES = 1024

const textBytes = (value: unknown): number => JSON.stringify(value)?.length ?? 0

/** Responses in memory, no more of them than there may be; those that were not asked for longest go first. */
export class MemoryCache {
  readonly #byUrl: LRUCache<string, Entry[]>
  readonly #maxEntryBytes: number

  /** @param lifeMs as long at most, whatever the origin allows */
  constructor(maxBytes: number, maxEntryBytes: number, lifeMs?: number) {
    this.#maxEntryBytes = Math.min(maxEntryBytes, maxBytes)
    this.#byUrl = new LRUCache({
      maxSize: maxBytes,
      ...(lifeMs !== undefined && { ttl: lifeMs }),
      sizeCalculation: (entries) => entries.reduce((sum, { bytes }) => sum + bytes, 1),
    })
  }

  get bytes(): number {
    return this.#byUrl.calculatedSize
  }

  get(key: Key): Found | undefined {
    const now = Date.now()
    const found = this.#byUrl.get(urlOf(key))
    return found?.find((entry) => entry.deleteAt > now && matches(key, entry)) as Found | undefined
  }

  createWriteStream(key: Key, value: Value): Writable {
    const body: Buffer[] = []
    let bytes = ENTRY_BYTES + textBytes(value) + urlOf(key).length
    const max = this.#maxEntryBytes
    return new Writable({
      write(chunk: Buffer, _encoding, done): void {
        bytes += chunk.length
        if (bytes > max) this.destroy()
        else body.push(chunk)
        done()
      },
      final: (done): void => {
        this.#put(key, { ...value, body, bytes })
        done()
      },
    })
  }

  delete(key: Key): void {
    this.#byUrl.delete(urlOf(key))
  }

  clear(): void {
    this.#byUrl.clear()
  }

  #put(key: Key, entry: Entry): void {
    const others = this.#byUrl.get(urlOf(key))?.filter((each) => !matches(key, each)) ?? []
    this.#byUrl.set(urlOf(key), [...others.slice(1 - MAX_VARIANTS), entry])
  }
}

const urlOf = ({ origin, method, path }: Key): string => `${method} ${origin}${path}`

/** RFC 9111 §4.1. */
const matches = ({ headers = {} }: Key, { vary = {} }: Entry): boolean =>
  Object.entries(vary).every(([name, value]) => String(headers[name] ?? '') === String(value ?? ''))
