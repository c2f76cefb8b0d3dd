import type { Conn } from '../conn.ts'
import type { NetError } from '../net-error.ts'

/** How the first request over a conn to a proxy went; an error of its own, UPSTREAM_*, counts against its member. */
export type HttpOutcome = 'ok' | 'aborted' | NetError

/** An HTTP proxy that a conn ends at, in place of the target: requests to it are in absolute-form (RFC 9112 §3.2.2). */
export interface HttpHop {
  /** Scheme and address, for errors. */
  readonly label: string
  /** The value of Proxy-Authorization that it wants with each request. */
  readonly authorization: string | undefined
  /** To be called once, after the first request: until then nobody knows whether the proxy is of use. */
  readonly told: (outcome: HttpOutcome) => void
}

/** A conn on the way to a target, and which way that is. */
export interface Route {
  readonly conn: Conn
  /** Name of the upstream; undefined where the conn is the target's own. */
  readonly upstream: string | undefined
  /** Undefined where what is written to the conn is for the target. */
  readonly hop: HttpHop | undefined
}

/** From here to the target itself. */
export const straight = (conn: Conn): Route => ({ conn, upstream: undefined, hop: undefined })
