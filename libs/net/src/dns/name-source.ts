import type { Line } from './line.ts'

export type IpFamily = 'ipv4' | 'ipv6'

/** The addresses of a name, in the order of the source. None: there is no such name, or it has no such address. */
export interface Answer {
  readonly ips: readonly string[]
  /** How long it may be kept. */
  readonly ttlMs: number
}

/** Somebody who can be asked for names. */
export interface NameSource {
  /** Where questions wait for their turn. */
  readonly line: Line
  /** Rejects where there is no answer, with a system error or a NetError. */
  ask(name: string): Promise<Answer>
}
