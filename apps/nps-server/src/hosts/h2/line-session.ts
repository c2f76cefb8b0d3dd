import type { DoorMetrics } from '@sluice/metrics'
import { type Conn, Relay, type Route } from '@sluice/net'
import {
  type Account,
  type AccessLog,
  type DialUse,
  type ErrorCode,
  type Log,
  type OwnLanes,
  ServiceError,
  type Serving,
  type UserLanes,
} from '@sluice/service'
import type { Address } from '@sluice/wire'

/** A session as one of several lines has it that share its connection: each can be ended by itself. */
export class LineSession implements Serving {
  onStop: ((error: Error) => void) | undefined = undefined
  onShutdown: (() => void) | undefined = undefined
  readonly conn: Conn
  readonly #session: Serving

  constructor(session: Serving, conn: Conn) {
    this.#session = session
    this.conn = conn
  }

  get account(): Account {
    return this.#session.account
  }

  get client(): Address {
    return this.#session.client
  }

  get door(): string {
    return this.#session.door
  }

  get protocol(): string {
    return this.#session.protocol
  }

  get lanes(): UserLanes {
    return this.#session.lanes
  }

  get log(): Log {
    return this.#session.log
  }

  get accessLog(): AccessLog | undefined {
    return this.#session.accessLog
  }

  get metrics(): DoorMetrics {
    return this.#session.metrics
  }

  openLanes(...whose: Parameters<Serving['openLanes']>): OwnLanes {
    return this.#session.openLanes(...whose)
  }

  touch(): void {
    this.#session.touch()
  }

  dial(target: Address, use: DialUse): Promise<Route> {
    return this.#session.dial(target, use)
  }

  mayReuse(route: Route, target: Address): boolean {
    return this.#session.mayReuse(route, target)
  }

  /** Ends with this line, and not with whatever else the session does. */
  relay(...[client, target, lanes]: Parameters<Serving['relay']>): Promise<void> {
    const relay = new Relay(client, target, lanes ?? this.lanes)
    this.onStop = (error): void => relay.cut(error)
    return relay.run()
  }

  /** This line alone. */
  cut(code: ErrorCode): void {
    this.stop(new ServiceError(code))
  }

  stop(error: Error): void {
    this.onStop?.(error)
  }
}
