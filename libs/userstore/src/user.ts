import { isIP } from 'node:net'

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
  quotaPeriod?: 'day' | 'week' | 'month'
  /**
   * Day on which a month or a week begins, 1 to 31, by default 1; of a week 1 is Monday. Where there is no such day, as on
   * the 31st of April or beyond 7 in a week, it is the last one.
   */
  quotaAnchorDay?: number
  /** IANA time zone in which days, weeks and months begin, by default UTC. */
  quotaZone?: string
}

/**
 * One way to prove who one is. All but the Shadowsocks secret, which its protocol needs in clear, are hashes or public: a
 * NodeID is the Base58 of a public key's SHA-256, and a token, which is random, the hex of its SHA-256.
 */
export type Credential =
  | { kind: 'password'; hash: string }
  | { kind: 'ss'; port?: number; method: string; secret: string }
  | { kind: 'vkey'; hash: string }
  | { kind: 'nodeId'; nodeId: string }
  | { kind: 'token'; hash: string }

export interface User {
  /** Made by the store, never used again; of an owner's user `owner:key`. */
  id: string
  name: string
  /** Who alone may change or remove them, such as `panel`; see `UserStore.sync`. Absent: anyone may. */
  owner?: string
  enabled: boolean
  /** Wall clock, ms since 1970. Absent: never. */
  expiresAt?: number
  limits: Limits
  credentials: readonly Credential[]
  /** What rules may call them by, besides their name. Absent: none; never empty. */
  groups?: readonly string[]
  /** IP address of this machine that dials for them leave from. Absent: whatever the system picks. */
  source?: string
}

/** A user to be added. Left out: enabled, never expires, no limits, no credentials, no groups. */
export interface NewUser {
  name: string
  enabled?: boolean
  expiresAt?: number
  limits?: Limits
  credentials?: readonly Credential[]
  groups?: readonly string[]
  source?: string
}

/** One of the users that an owner, such as a panel, has: known by its key, which never stands for another. */
export interface OwnedUser {
  /** Part of their id and name, so what a name can hold: `1`. */
  key: string
  enabled: boolean
  expiresAt?: number
  limits: Limits
  credentials: readonly Credential[]
  groups?: readonly string[]
}

/** What to change: a key left out stays, null clears it. `credentials` and `groups` replace the whole list. */
export interface UserPatch {
  enabled?: boolean
  expiresAt?: number | null
  limits?: { [K in keyof Limits]?: Limits[K] | null }
  credentials?: readonly Credential[]
  groups?: readonly string[] | null
  source?: string | null
}

export const USER_NAME_MAX_BYTES = 255
const NAME = /^[^\s:\p{Cc}\p{Cs}]+$/u

/** Whether `name` has 1 to 255 bytes of well-formed UTF-8 and no colon, blank or control character. */
export function isUserName(name: string): boolean {
  return NAME.test(name) && Buffer.byteLength(name) <= USER_NAME_MAX_BYTES
}

const OWNER = /^[a-z][a-z\d]{0,31}$/

/** Whether `name` has 1 to 32 lower-case letters and digits, a letter first: then `owner:key` is nobody else's id. */
export function isOwnerName(name: string): boolean {
  return OWNER.test(name)
}

const GROUP = /^[^\s:,\p{Cc}\p{Cs}]{1,64}$/u

/** Whether `name` has 1 to 64 characters and no colon, comma, blank or control character. */
export function isGroupName(name: string): boolean {
  return GROUP.test(name)
}

/** Whether `text` is an IPv4 or IPv6 address that a dial can leave from: no wildcard, no zone. */
export function isSourceAddress(text: string): boolean {
  return isIP(text) !== 0 && !/^[0:.]+$|%/.test(text)
}
