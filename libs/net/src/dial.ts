import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Address } from '@sluice/wire'
import type { AddressPolicy } from './address-policy.ts'
import type { Conn } from './conn.ts'
import { dialCode, NetError } from './net-error.ts'
import { dialledConn, type SocketConn } from './socket-conn.ts'

/**
 * Opens a conn to `target`.
 * @param signal ends the attempt; the promise then rejects with the signal's reason
 * @throws NetError TARGET_DENIED or DIAL_*
 */
export type Dial = (target: Address, signal: AbortSignal) => Promise<Conn>

type LookupAll = (
  host: string,
  options: LookupOptions & { all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

export interface DialOptions {
  readonly policy: AddressPolicy
  /** From the first look at the name to the established connection. @default 10,000 */
  readonly deadlineMs?: number
  /** @default the system's resolver (getaddrinfo) */
  readonly lookup?: LookupAll
}

const HAPPY_EYEBALLS_MS = 250

/**
 * Dials over TCP. A name is resolved once; the policy judges every address that came of it, and only those that pass
 * are tried, IPv6 and IPv4 in turn 250 ms apart (RFC 8305).
 */
export const createDial = (options: DialOptions): Dial => {
  const { policy, deadlineMs = 10_000, lookup = systemLookup as LookupAll } = options
  const guarded = guardedLookup(policy, lookup)
  return (target, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted()
      if (isIP(target.host) !== 0) policy.check(target.host, target.port)
      const conn = dialledConn({
        host: target.host,
        port: target.port,
        lookup: isIP(target.host) === 0 ? (guarded(target.port) as LookupFunction) : undefined,
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: HAPPY_EYEBALLS_MS,
      })
      new Attempt(target, conn, signal, deadlineMs, resolve, reject)
    })
}

/** One dial in progress; it lets go of everything it hung up once it has an outcome. */
class Attempt {
  readonly #target: Address
  readonly #conn: SocketConn
  readonly #signal: AbortSignal
  readonly #timer: NodeJS.Timeout
  readonly #resolve: (conn: Conn) => void
  readonly #reject: (error: unknown) => void

  constructor(
    target: Address,
    conn: SocketConn,
    signal: AbortSignal,
    deadlineMs: number,
    resolve: (conn: Conn) => void,
    reject: (error: unknown) => void,
  ) {
    this.#target = target
    this.#conn = conn
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = setTimeout(this.#timeout, deadlineMs)
    conn.socket.on('connect', this.#connected).on('error', this.#failed)
    signal.addEventListener('abort', this.#aborted)
  }

  readonly #connected = (): void => {
    this.#settle()
    this.#resolve(this.#conn)
  }

  readonly #failed = (cause: unknown): void => {
    const { host, port } = this.#target
    const code = dialCode(cause)
    this.#end(
      new NetError(code, `${host}:${port}: ${cause instanceof Error ? cause.message : code}`, { cause }),
    )
  }

  readonly #timeout = (): void => {
    const { host, port } = this.#target
    this.#end(new NetError('DIAL_TIMEOUT', `${host}:${port} did not answer in time`))
  }

  readonly #aborted = (): void => {
    this.#end(this.#signal.reason)
  }

  #end(error: unknown): void {
    this.#settle()
    this.#conn.destroy()
    this.#reject(error)
  }

  #settle(): void {
    clearTimeout(this.#timer)
    this.#conn.socket.off('connect', this.#connected).off('error', this.#failed)
    this.#signal.removeEventListener('abort', this.#aborted)
  }
}

/** A lookup whose answers are only those addresses that the policy admits. */
const guardedLookup =
  (policy: AddressPolicy, lookup: LookupAll) =>
  (port: number): LookupAll =>
  (host, options, callback) =>
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const admitted = addresses.filter(({ address }) => passes(policy, address, port))
      if (admitted.length > 0) return callback(null, admitted)
      callback(new NetError('TARGET_DENIED', `${host} leads only to addresses that may not be dialled`), [])
    })

const passes = (policy: AddressPolicy, ip: string, port: number): boolean => {
  try {
    policy.check(ip, port)
    return true
  } catch {
    return false
  }
}
