/**
 * What a user may take. An absent key means no limit. Rates are whole bytes per second, sizes whole bytes, all above 0.
 */
export interface Limits {
  up?: number
  down?: number
  /** The sum of both directions. */
  total?: number
  /** Bytes that may pass at once after a pause. */
  burst?: number
  /** Connections open at the same time. */
  connections?: number
  /** Client addresses in use at the same time. */
  ips?: number
  /** Bytes, up and down together, in one `quotaPeriod`; in the user's whole life where there is none. */
  quotaBytes?: number
  quotaPeriod?: 'day' | 'month'
  /** Day on which a month period begins, 1 to 31, by default 1; a shorter month begins it on its last day. */
  quotaAnchorDay?: number
  /** IANA time zone in which days and months begin, by default UTC. */
  quotaZone?: string
}

/** One way to prove who one is. All but the Shadowsocks secret, which its protocol needs in clear, are hashes or public. */
export type Credential =
  | { kind: 'password'; hash: string }
  | { kind: 'ss'; port?: number; method: string; secret: string }
  | { kind: 'vkey'; hash: string }
  | { kind: 'nodeId'; nodeId: string }
  | { kind: 'token'; hash: string }

export interface User {
  /** Made by the store, never used again. */
  id: string
  name: string
  enabled: boolean
  /** Wall clock, ms since 1970. Absent: never. */
  expiresAt?: number
  limits: Limits
  credentials: readonly Credential[]
}

/** A user to be added. Left out: enabled, never expires, no limits, no credentials. */
export interface NewUser {
  name: string
  enabled?: boolean
  expiresAt?: number
  limits?: Limits
  credentials?: readonly Credential[]
}

/** What to change: a key left out stays, null clears it. `credentials` replaces the whole list. */
export interface UserPatch {
  enabled?: boolean
  expiresAt?: number | null
  limits?: { [K in keyof Limits]?: Limits[K] | null }
  credentials?: readonly Credential[]
}

export const USER_NAME_MAX_BYTES = 255
const NAME = /^[^\s:\p{Cc}\p{Cs}]+$/u

/** Whether `name` has 1 to 255 bytes of well-formed UTF-8 and no colon, blank or control character. */
export function isUserName(name: string): boolean {
  return NAME.test(name) && Buffer.byteLength(name) <= USER_NAME_MAX_BYTES
}
