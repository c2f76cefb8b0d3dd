import { bump, type Observer } from './door.ts'

/** What happened on the way out of a program: names looked up, and dials through upstreams. */
export class WayOutMetrics {
  cacheHits = 0
  readonly lookups: Map<string, number> = new Map()
  /** By upstream, then by result. */
  readonly dials: Map<string, Map<string, number>> = new Map()
  readonly #lookup: Observer

  constructor(lookup: Observer) {
    this.#lookup = lookup
  }

  lookedUp(result: string, ms: number): void {
    bump(this.lookups, result)
    this.#lookup.observe(ms / 1000)
  }

  cacheHit(): void {
    this.cacheHits += 1
  }

  upstreamDialled(upstream: string, result: string): void {
    const results = this.dials.get(upstream) ?? new Map<string, number>()
    this.dials.set(upstream, results)
    bump(results, result)
  }
}
