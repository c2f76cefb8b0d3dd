import type { Lab } from '../lab.ts'
import type { Peer } from '../peers/peer.ts'

/** One table of the report. */
export interface Section {
  /** The app or library that it is about, as `npm run bench` takes it. */
  project: 'remote-proxy' | 'ss-node' | 'relay' | 'https-proxy' | 'nps-server' | 'ratelimit'
  title: string
  /** Markdown, in front of the table. */
  about: string
  header: readonly string[]
  cases: readonly Case[]
}

/** One thing that is measured, printed and kept by itself. */
export interface Case {
  /** Its name in results.json, and for --only: words with slashes between them. */
  key: string
  peers: readonly Peer[]
  measure(lab: Lab): Promise<unknown>
  /** Lines for the table, of what `measure` gave, now or in an earlier run. */
  lines(result: unknown): Line[]
}

export interface Line {
  cells: readonly string[]
  /** Whether the target was met; undefined where there is none. */
  met?: boolean | undefined
}

/** A case whose `measure` and `lines` speak of the same T, which only results.json knows nothing of. */
interface TypedCase<T> extends Case {
  measure(lab: Lab): Promise<T>
  lines(result: T): Line[]
}

export const defineCase = <T>(typed: TypedCase<T>): Case => typed
