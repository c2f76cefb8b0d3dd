import type { Bytes } from './flow.ts'

/** Takes a duration in seconds. */
export interface Observer {
  observe(seconds: number): void
}

/**
 * What happened at one door (`socks`, `http`, …). Plain numbers that the registry reads when it is scraped, since a
 * labelled increment costs ten times a field and a connection makes several.
 */
export class DoorMetrics {
  active = 0
  authFailures = 0
  readonly bytes: Bytes = { up: 0, down: 0 }
  /** How many were relayed; whoever relays them adds to it. */
  readonly datagrams: Bytes = { up: 0, down: 0 }
  readonly dropped: Map<string, number> = new Map()
  readonly codes: Map<string, number> = new Map()
  /** Requests of connections that bring many. */
  readonly requests: Map<string, number> = new Map()
  readonly errnos: Map<string, number> = new Map()
  /** Told of each request of those. */
  onServed: ((code: string, ms: number) => void) | undefined = undefined
  readonly #observers: { handshake: Observer; dial: Observer; session: Observer }

  constructor(observers: { handshake: Observer; dial: Observer; session: Observer }) {
    this.#observers = observers
  }

  /** A connection was accepted; `ended` must follow once. */
  opened(): void {
    this.active += 1
  }

  /** `code` is the session's outcome, `ms` its whole life. */
  ended(code: string, ms: number): void {
    this.active -= 1
    bump(this.codes, code)
    this.#observers.session.observe(ms / 1000)
  }

  /** One request of a connection that may bring many is over, after `ms`. */
  served(code: string, ms: number): void {
    bump(this.requests, code)
    this.onServed?.(code, ms)
  }

  /** A datagram was not relayed; `reason` is one of few words. */
  datagramDropped(reason: string): void {
    bump(this.dropped, reason)
  }

  handshakeTook(ms: number): void {
    this.#observers.handshake.observe(ms / 1000)
  }

  dialTook(ms: number): void {
    this.#observers.dial.observe(ms / 1000)
  }

  authFailed(): void {
    this.authFailures += 1
  }

  /** `errno` is the system's name of the error, such as EMFILE. */
  acceptFailed(errno: string): void {
    bump(this.errnos, errno)
  }

  /** Adds payload bytes, best once for each drain of a Flow. */
  relayed(bytes: Bytes): void {
    this.bytes.up += bytes.up
    this.bytes.down += bytes.down
  }
}

export function bump(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
