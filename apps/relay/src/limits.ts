import type { CircuitTerms } from '@sluice/wire/relay'

/** What a relay gives away at most. 0 is no limit, but for `reservationTtlMs` and `acceptMs`, which are always more. */
export interface RelayLimits {
  readonly reservations: number
  /** Of one client network: an IPv4 address or an IPv6 /64. */
  readonly reservationsPerIp: number
  /** Those that wait for their destination are among them. */
  readonly circuits: number
  /** Whose source is in one client network, whatever its NodeID. */
  readonly circuitsPerIp: number
  /** Of one NodeID, as source and as destination together. */
  readonly circuitsPerPeer: number
  /** That wait for the same destination. */
  readonly pendingPerPeer: number
  /** CONNECTs of one NodeID in a minute, and at once after a pause. */
  readonly connectsPerMinute: number
  /** The longest life of a reservation that is not refreshed. */
  readonly reservationTtlMs: number
  /** Of a circuit. */
  readonly durationMs: number
  /** Of a circuit, each way. */
  readonly dataBytes: number
  /** Of a circuit, each way; bytes/s. */
  readonly rate: number
  /** Of all circuits together, each way; bytes/s. */
  readonly globalRate: number
  /** From CONNECT to the destination's ACCEPT. */
  readonly acceptMs: number
  /** Without payload, of a circuit. */
  readonly idleMs: number
}

/** A limit as a number to stay below or at. */
export const cap = (limit: number): number => (limit === 0 ? Infinity : limit)

/** What both ends of a circuit are told of the limits. */
export const termsOf = ({ durationMs, dataBytes, rate }: RelayLimits): CircuitTerms => ({
  duration: Math.min(Math.ceil(durationMs / 1000), MAX_U32),
  data: dataBytes,
  rate: Math.min(Math.ceil(rate), MAX_U32),
})

const MAX_U32 = 0xffff_ffff
