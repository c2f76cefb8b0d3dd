import type { DoorMetrics } from '@sluice/metrics'
import type { AddressSet, TlsContext } from '@sluice/net'
import type { Levels } from './level-holds.ts'
import type { CallerDial, CallerMayReuse } from './request.ts'
import type { Sessions } from './sessions.ts'

/** Of a request that is not whole yet. */
export const MAX_HANDSHAKE_BYTES: number = 16 * 1024

/** What the sessions of one listener share. */
export interface SessionParts {
  /** As in the `listening` line, the log and the metrics. */
  readonly door: string
  /** As in the `listening` line and the log, besides the door. @default nothing */
  readonly fields?: Readonly<Record<string, unknown>> | undefined
  readonly metrics: DoorMetrics
  readonly sessions: Sessions
  readonly dial: CallerDial
  readonly mayReuse: CallerMayReuse
  /** What all sessions belong to besides their user, where their request says nothing else. */
  readonly levels?: (() => Levels) | undefined
  /** Peers whose conns begin with a PROXY header, which says who the client is. */
  readonly balancers?: () => AddressSet
  /** Of a listener over TLS: what its conns are met with from now on. */
  readonly tls?: { readonly context: TlsContext } | undefined
  /** Over TLS, best first (RFC 7301). @default HTTP/1.1 alone */
  readonly protocols?: readonly string[] | undefined
}
