import type { HostRecord } from '../../records.ts'
import type { LiveHost } from '../../registry.ts'
import { Fill } from './fill.ts'
import type { Sought } from './sought.ts'
import type { StoredAnswer } from './stored-answer.ts'

export interface CacheBounds {
  /** Of one body. @default 1 MiB */
  readonly entryBytes?: number
  /** Of what all hosts keep together. @default 256 MiB */
  readonly totalBytes?: number
  /** Of what is not whole yet. @default 32 MiB */
  readonly fillBytes?: number
}

const MIB = 1024 * 1024

/** What is kept of one host, as its record was then. */
interface HostCache {
  readonly record: HostRecord
  /** The one that was used last comes last. */
  readonly entries: Map<string, StoredAnswer>
  readonly fills: Set<Fill>
  bytes: number
}

/** Answers that hosts have given, for others who ask for the same, in memory: so many bytes of a host, and of all together. */
export class HostCaches {
  readonly #bounds: Required<CacheBounds>
  /** The host that was used last comes last. */
  readonly #caches = new Map<LiveHost, HostCache>()
  #bytes = 0
  #filling = 0

  constructor(bounds: CacheBounds = {}) {
    this.#bounds = { entryBytes: MIB, totalBytes: 256 * MIB, fillBytes: 32 * MIB, ...bounds }
  }

  get bytes(): number {
    return this.#bytes
  }

  find(live: LiveHost, sought: Sought): StoredAnswer | undefined {
    const cache = this.#caches.get(live)
    const answer = cache?.entries.get(sought.key)
    if (cache === undefined || cache.record !== live.record || answer?.answers(sought) !== true)
      return undefined
    this.#use(live, cache)
    cache.entries.delete(sought.key)
    cache.entries.set(sought.key, answer)
    return answer
  }

  /** Collects an answer that is not kept yet. */
  fill(live: LiveHost, sought: Sought): Fill {
    const cache = this.#cacheOf(live)
    const fill: Fill = new Fill({
      sought,
      maxBytes: Math.min(this.#bounds.entryBytes, cache.record.cacheBytes ?? 0),
      take: (bytes) => this.#take(bytes),
      give: (bytes) => void (this.#filling -= bytes),
      onEnd: (answer) => {
        const isWanted = cache.fills.delete(fill) && this.#caches.get(live) === cache
        if (answer !== undefined && isWanted && cache.record === live.record)
          this.#put(live, sought.key, answer)
      },
    })
    cache.fills.add(fill)
    return fill
  }

  /** What is kept under that key may have changed, and what is on its way too (RFC 9111 §4.4). */
  forget(live: LiveHost, key: string): void {
    const cache = this.#caches.get(live)
    if (cache === undefined) return
    this.#remove(cache, key)
    for (const fill of cache.fills) if (fill.key === key) cache.fills.delete(fill)
  }

  /** Forgets hosts that are gone or have changed. */
  sweep(hosts: ReadonlyMap<number, LiveHost>): void {
    for (const [live, { record }] of this.#caches)
      if (hosts.get(record.id) !== live || live.record !== record) this.#drop(live)
  }

  #cacheOf(live: LiveHost): HostCache {
    const known = this.#caches.get(live)
    if (known?.record === live.record) return known
    this.#drop(live)
    const cache = { record: live.record, entries: new Map(), fills: new Set<Fill>(), bytes: 0 }
    this.#caches.set(live, cache)
    return cache
  }

  #take(bytes: number): boolean {
    if (this.#filling + bytes > this.#bounds.fillBytes) return false
    this.#filling += bytes
    return true
  }

  #put(live: LiveHost, key: string, answer: StoredAnswer): void {
    const cache = this.#caches.get(live)!
    const limit = Math.min(cache.record.cacheBytes ?? 0, this.#bounds.totalBytes)
    this.#remove(cache, key)
    if (answer.bytes > limit) return
    this.#use(live, cache)
    while (cache.bytes + answer.bytes > limit) this.#removeOldest(cache)
    this.#makeRoom(answer.bytes)
    cache.entries.set(key, answer)
    cache.bytes += answer.bytes
    this.#bytes += answer.bytes
  }

  #makeRoom(bytes: number): void {
    for (const cache of this.#caches.values())
      while (cache.entries.size > 0 && this.#bytes + bytes > this.#bounds.totalBytes)
        this.#removeOldest(cache)
  }

  #use(live: LiveHost, cache: HostCache): void {
    this.#caches.delete(live)
    this.#caches.set(live, cache)
  }

  #removeOldest(cache: HostCache): void {
    for (const key of cache.entries.keys()) return this.#remove(cache, key)
  }

  #remove(cache: HostCache, key: string): void {
    const bytes = cache.entries.get(key)?.bytes ?? 0
    cache.entries.delete(key)
    cache.bytes -= bytes
    this.#bytes -= bytes
  }

  #drop(live: LiveHost): void {
    this.#bytes -= this.#caches.get(live)?.bytes ?? 0
    this.#caches.delete(live)
  }
}
