import { type BufferPool, type Conn, refuse } from '@sluice/net'
import type { Account, Request } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { createSealer, type SsRequest } from '@sluice/wire/shadowsocks'
import { CipherConn } from './cipher-conn.ts'
import { freshSalt } from './fresh-salt.ts'
import type { ReplayGuard } from './replay.ts'
import type { SsMetrics } from './ss-metrics.ts'
import type { SsUser } from './ss-user.ts'

const NOTHING = new Uint8Array(0)

export interface TunnelParts {
  readonly replays: ReplayGuard
  readonly pool: BufferPool
  readonly metrics: SsMetrics
}

/** A tunnel that an authentic client has asked for. */
export class TunnelRequest implements Request {
  readonly protocol = 'ss'
  readonly account: Account
  readonly target: Address
  readonly credential: SsUser
  readonly #conn: Conn
  /** Until it is accepted: nobody needs its first payload, salt and all for as long as the tunnel is there. */
  #request: SsRequest | undefined
  readonly #parts: TunnelParts

  constructor(conn: Conn, user: SsUser, request: SsRequest, parts: TunnelParts) {
    this.account = user.account
    this.target = request.target
    this.credential = user
    this.#conn = conn
    this.#request = request
    this.#parts = parts
  }

  /** Success has no words: what the target sends is the first that the client hears. */
  accept(): Conn {
    const { key, method } = this.credential
    const { replays, pool, metrics } = this.#parts
    const { salt: requestSalt, opener, early } = this.#request!
    this.#request = undefined
    const salt = freshSalt(method.saltBytes)
    replays.own(this.credential, salt)
    const response = method.kind === '2022' ? { requestSalt, now: replays.wallNow } : undefined
    const sealer = createSealer(key, salt, response)
    return new CipherConn(this.#conn, { opener, sealer, early, pool, timers: metrics })
  }

  /** Nor has refusal any: the client sees an end. */
  reject(): Promise<void> {
    return refuse(this.#conn, NOTHING)
  }
}
