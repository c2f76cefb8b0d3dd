import type { DoorMetrics } from '@sluice/metrics'
import type { Conn, Reader, Route } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { AccessLog } from './access-log.ts'
import type { Account } from './account.ts'
import type { Directory } from './directory.ts'
import type { ErrorCode } from './errors.ts'
import type { Levels } from './level-holds.ts'
import type { Log } from './log.ts'
import type { Beyond, OwnLanes, UserLanes } from './user-lane.ts'

/** Who asks, how, and how to tell them no in the words of their protocol. */
interface Asked {
  readonly account: Account
  /** Whose it turned out to be, where `account` had to be given before that was known. For the log alone. */
  readonly owner?: Account | undefined
  /** How they asked, such as `socks5`: one of few words. */
  readonly protocol: string
  /** By what they came in, where a user may have several such, or change it; whoever knows that it is void cuts it. */
  readonly credential?: object | undefined
  /**
   * All payload of the session is that of another one too, the other end of its circuit, which tells the metrics of it:
   * a byte is relayed once. As long as the one goes on, so does the other: it is never idle by itself.
   */
  readonly mirrors?: true | undefined
  /** Others come over it to the user, whose sessions are apart from it: it counts for none of their limits but their leave to be here. */
  readonly isControl?: true | undefined
  /** What passes is that of a circuit: whoever serves it asks the node for leave, see `ProgramOptions.circuits`. */
  readonly inCircuit?: true | undefined
  /** What the session belongs to besides its user. @default what its listener says */
  readonly levels?: Levels | undefined
  /** How its targets are reached. @default as its listener says */
  readonly dial?: CallerDial | undefined
  /** Told once, when the session is over, whatever became of it. */
  readonly onSessionOver?: (() => void) | undefined
  /** What the log tells of it, besides what it tells of its listener. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined
  /** What everybody calls it, where it has a name: the client was told, and finds it in the log. */
  readonly id?: string | undefined
  /**
   * Tells why not, and ends the conn. Called at most once, and never after `accept` or `serve`.
   * @param retryMs when it is worth another try, where that is known
   */
  reject(code: ErrorCode, retryMs?: number): Promise<void>
}

/** A request for a tunnel: who wants where. */
export interface Request extends Asked {
  readonly target: Address
  /**
   * Waits for its turn to dial, which ends with the dial. Undefined: it may at once. A client that ends its side, too, has
   * left meanwhile.
   * @param signal aborted with what has ended the session
   * @throws ServiceError where there will be no turn
   */
  readonly enter?: ((caller: Caller, signal: AbortSignal) => Promise<Disposable>) | undefined
  /**
   * Tells success; `local` of `route` is our end of the connection to the target, and a system call for who asks.
   * @returns the conn that carries the payload
   */
  accept(route: Pick<Conn, 'local'>): Conn
}

/** A request that takes more than one dial and one relay, such as a UDP association: it serves itself. */
export interface ServedRequest extends Asked {
  /** For the log, where it is known. */
  readonly target: Address | undefined
  /** The outcome of the session is what this throws, or OK. Whatever it opened is closed by then. */
  serve(session: Serving): Promise<void>
}

/** For whom a dial is made. */
export interface Caller {
  readonly account: Account
  readonly client: Address
  readonly door: string
  readonly protocol: string
}

/** What a session lends to a request that serves itself. */
export interface Serving extends Caller {
  /** The client, past the handshake: paused, with what was read too far in front. */
  readonly conn: Conn
  /** What passes has leave from their limiters, where they have one, and is counted by them. */
  readonly lanes: UserLanes
  /**
   * Two more of the kind, for who carries several streams at once: each takes its turns. They end with the session, at the latest.
   * @param account whose they are, where what the session carries is not all one account's: to be given with `beyond`,
   *   entered and left by whoever serves, and shown to the ledger. @default the session's
   */
  openLanes(account?: Account, beyond?: Beyond): OwnLanes
  readonly log: Log
  /** Takes a line for each of many requests that a request serves, in place of the log. */
  readonly accessLog: AccessLog | undefined
  readonly metrics: DoorMetrics
  /** Told once, at once where it is late, when the session has to end from outside (quota, idle, shutdown …); `serve` then rejects with it. */
  onStop: ((error: Error) => void) | undefined
  /** Told when the program wants to stop: whoever only waits for the client's next wish need not go on. */
  onShutdown: (() => void) | undefined
  /** The client is there although no payload passes: it is not idle. */
  touch(): void
  /** As the rules say, past the address policy, within a deadline. @throws NetError, AccessError; what `onStop` was told */
  dial(target: Address, use: DialUse): Promise<Route>
  /** Whether a route to the target may serve it once more: hours end, and rules change. */
  mayReuse(route: Route, target: Address): boolean
  /**
   * Both ways until both have ended.
   * @param lanes @default those of the session
   * @throws NetError CLIENT_RESET, TARGET_RESET; what `onStop` would be told
   */
  relay(client: Conn, target: Conn, lanes?: UserLanes): Promise<void>
  /** Has the session end from within, as it may from outside. */
  cut(code: ErrorCode): void
}

/** A `tunnel` always leads to the target itself; what is for `http` may end at a proxy that speaks it. */
export type DialUse = 'tunnel' | 'http'

/** As `Dial` of @sluice/net, for somebody. */
export type CallerDial = (
  target: Address,
  signal: AbortSignal,
  caller: Caller,
  use: DialUse,
) => Promise<Route>

/** Whether what was dialled, for whatever use, may serve the same target and caller once more. */
export type CallerMayReuse = (route: Route, target: Address, caller: Caller) => boolean

/** As `Locate` of @sluice/net, for somebody. */
export type CallerLocate = (target: Address, caller: Caller) => readonly string[] | Promise<readonly string[]>

/**
 * Reads a request. One that fails answers the client itself (see `refuse`) before it throws, since nobody else knows
 * its protocol. Bytes behind the request are left for the relay.
 */
export type Handshake = (reader: Reader, directory: Directory) => Promise<Request | ServedRequest>
