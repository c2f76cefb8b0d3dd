/** How a client can ask for something. */
export const PROTOCOLS = ['socks5', 'socks4', 'connect', 'http', 'udp', 'bind', 'ss'] as const
export type Protocol = (typeof PROTOCOLS)[number]

/** From and to, both included. */
export type PortRange = readonly [from: number, to: number]

/** A stretch of each of some days, by the clock on the wall of a zone. */
export interface TimeWindow {
  /** 0 is Sunday. A stretch over midnight belongs to the day on which it begins. */
  readonly days: readonly number[]
  /** Minutes since midnight, 0 to 1439. */
  readonly from: number
  /** 1 to 1440, not included; below `from` it is on the next day. */
  readonly to: number
  /** IANA time zone. */
  readonly zone: string
}

/** What a rule is about: all conditions that are given have to hold, each by any of its values. */
export interface Conditions {
  /** Doors as in the `listening` lines. */
  readonly listeners?: readonly string[]
  readonly users?: readonly string[]
  readonly groups?: readonly string[]
  /** CIDRs of who came. */
  readonly clients?: readonly string[]
  /** CIDRs of the very address that is dialled. */
  readonly targets?: readonly string[]
  /** Names as they are asked for, see `nameKeys`. */
  readonly names?: readonly string[]
  /** Regular expressions, see `NamePatterns`. */
  readonly regex?: readonly string[]
  readonly ports?: readonly PortRange[]
  readonly protocols?: readonly Protocol[]
  readonly times?: readonly TimeWindow[]
}

/** The first rule that matches decides. */
export interface Rule extends Conditions {
  /** For the log. @default its place, as `rules[3]` */
  readonly name?: string
  readonly action: 'allow' | 'deny'
  /** What its `targets` say may be dialled even where the address policy denies it. */
  readonly private?: boolean
  /** Names of upstreams, or `direct`; the next one is tried where one cannot be reached. */
  readonly via?: readonly string[]
}

export const DIRECT = 'direct'
export const MAX_RULES = 10_000
/** Each may take the whole time of a dial. */
export const MAX_VIA = 8
