import { bump, type Observer } from './door.ts'

/** Later ones count as `other`: their names come from a file that may change often. */
const MAX_RULES = 1000

/** What happened on the way out of a program: names looked up, dials through upstreams, and who may not go. */
export class WayOutMetrics {
  cacheHits = 0
  readonly lookups: Map<string, number> = new Map()
  /** By upstream, then by result. */
  readonly dials: Map<string, Map<string, number>> = new Map()
  /** Denials, by the rule's name or place. */
  readonly ruleHits: Map<string, number> = new Map()
  readonly #lookup: Observer

  constructor(lookup: Observer) {
    this.#lookup = lookup
  }

  lookedUp(result: string, ms: number): void {
    bump(this.lookups, result)
    this.#lookup.observe(ms / 1000)
  }

  ruleDenied(rule: string): void {
    const isKnown = this.ruleHits.has(rule) || this.ruleHits.size < MAX_RULES
    bump(this.ruleHits, isKnown ? rule : 'other')
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
