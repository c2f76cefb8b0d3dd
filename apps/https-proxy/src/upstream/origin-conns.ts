import type { Route } from '@sluice/net'
import { type Caller, type CallerMayReuse, clientNetwork } from '@sluice/service'
import { LRUCache } from 'lru-cache'
import { addressOf, dialOrigin, type OriginDialOptions } from './origin-dial.ts'
import type { OriginConn } from './origin-conn.ts'

export interface OriginConnsOptions extends OriginDialOptions {
  readonly mayReuse: CallerMayReuse
  /** Conns that nobody uses, of all users and origins; beyond it the one that was used longest ago closes. */
  readonly maxIdle: number
  /** Conns are one client address's too, and not only one user's: for dials that tell the origin who the client is. */
  readonly perClient: boolean
}

const MAX_SHARED = 10_000

/** Whose conns somebody may have: a user's own, or those of all nobodies from one network. */
export const ownerOf = ({ account, client }: Caller): string =>
  account.name === undefined ? `guest ${clientNetwork(client.host)}` : account.user.id

/** Conns to origins, each of one user alone: so users never meet on one. */
export class OriginConns {
  readonly #options: OriginConnsOptions
  /** By owner and origin; those with room, the one that was used last at the end. */
  readonly #free = new Map<string, OriginConn[]>()
  /** All in `#free` that nobody uses, the one that was used longest ago first. */
  readonly #idle = new Map<OriginConn, string>()
  readonly #all = new Set<OriginConn>()
  /** Keys whose conns took many requests at a time when last one was dialled; and those that are being dialled. */
  readonly #shared = new LRUCache<string, true>({ max: MAX_SHARED })
  readonly #dialling = new Map<string, Promise<OriginConn>>()

  constructor(options: OriginConnsOptions) {
    this.#options = options
  }

  /** Open, used or not. */
  get size(): number {
    return this.#all.size
  }

  get idle(): number {
    return this.#idle.size
  }

  /** As `take`, where a conn is there that was used before. */
  reuse(caller: Caller, url: URL): OriginConn | undefined {
    return this.#used(this.#keyOf(caller, url), caller, url)
  }

  /**
   * A conn that one request may be sent over; it has to be given back.
   * @param fresh none that was used before
   * @throws what the dial throws; ServiceError ORIGIN_UNTRUSTED; the reason of `signal`
   */
  async take(caller: Caller, url: URL, signal: AbortSignal, fresh: boolean): Promise<OriginConn> {
    const key = this.#keyOf(caller, url)
    if (fresh) return this.#dial(key, caller, url, signal)
    const used = this.#used(key, caller, url)
    if (used !== undefined) return used
    // Where one conn takes many requests, those that come while it is being dialled wait for it; once.
    await this.#dialling.get(key)?.catch(() => {})
    signal.throwIfAborted()
    return this.#used(key, caller, url) ?? this.#dial(key, caller, url, signal)
  }

  /** After a request was sent, for those that take more than one at a time, and after it was answered. */
  give(caller: Caller, url: URL, conn: OriginConn): void {
    if (!conn.hasRoom || !this.#all.has(conn)) return
    const key = this.#keyOf(caller, url)
    const free = this.#free.get(key)
    if (free === undefined) this.#free.set(key, [conn])
    else if (!free.includes(conn)) free.push(conn)
    this.#idle.delete(conn)
    if (conn.running > 0) return
    this.#idle.set(conn, key)
    const [oldest] = this.#idle.keys()
    if (this.#idle.size > this.#options.maxIdle) oldest!.destroy()
  }

  close(): void {
    for (const conn of this.#all) conn.destroy()
  }

  async #dial(key: string, caller: Caller, url: URL, signal: AbortSignal): Promise<OriginConn> {
    const dialling = dialOrigin(this.#options, caller, url, signal)
    if (this.#shared.has(key)) this.#dialling.set(key, dialling)
    try {
      const conn = await dialling
      this.#all.add(conn)
      conn.onClose = (): void => this.#forget(key, conn)
      if (conn.closed) this.#forget(key, conn)
      if (conn.isShared) this.#shared.set(key, true)
      else this.#shared.delete(key)
      if (conn.isShared) this.give(caller, url, conn)
      return conn
    } finally {
      if (this.#dialling.get(key) === dialling) this.#dialling.delete(key)
    }
  }

  #used(key: string, caller: Caller, url: URL): OriginConn | undefined {
    const free = this.#free.get(key)
    for (let conn = free?.at(-1); conn !== undefined; conn = free!.at(-1)) {
      const isFit = conn.hasRoom && this.#fits(conn.route, caller, url)
      if (!isFit || !conn.isShared) free!.pop()
      if (free!.length === 0) this.#free.delete(key)
      this.#idle.delete(conn)
      if (isFit) return conn
      if (conn.running === 0) conn.destroy()
    }
    return undefined
  }

  #fits(route: Route, caller: Caller, url: URL): boolean {
    return this.#options.mayReuse(route, addressOf(url), caller)
  }

  #forget(key: string, conn: OriginConn): void {
    this.#all.delete(conn)
    this.#idle.delete(conn)
    const free = this.#free.get(key)
    const at = free?.indexOf(conn) ?? -1
    if (at >= 0) free!.splice(at, 1)
    if (free?.length === 0) this.#free.delete(key)
  }

  /** A user's source address may have changed since a conn was dialled. */
  #keyOf(caller: Caller, { origin }: URL): string {
    const { source = '' } = caller.account.user
    const client = this.#options.perClient ? caller.client.host : ''
    return `${ownerOf(caller)} ${source} ${client} ${origin}`
  }
}
