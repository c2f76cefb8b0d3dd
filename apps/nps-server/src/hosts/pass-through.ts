import type { Conn, Reader } from '@sluice/net'
import type { Account, Levels, Request } from '@sluice/service'
import type { LiveHost } from '../registry.ts'
import { checkMayVisit } from '../visitor-lists.ts'
import type { HostDoor } from './host-door.ts'
import { HostTarget } from './host-target.ts'

/**
 * A visitor whose TLS goes through to the target as it is: what is said within it, a password or another host, is between
 * those two. It is told nothing from here, since it would take that for TLS.
 */
export class PassThrough implements Request {
  readonly protocol = 'tls'
  readonly account: Account
  readonly levels: Levels
  readonly target: HostTarget
  readonly onSessionOver: () => void
  readonly #conn: Conn

  /** @throws ServiceError VISITOR_DENIED; NetError DIAL_FAILED where there is no target */
  constructor(live: LiveHost, { conn, client }: Reader, door: Pick<HostDoor, 'ownerOf'>) {
    checkMayVisit(client.host, live)
    const picked = live.targets.pick()
    this.account = door.ownerOf(live.client)
    this.levels = live.levels
    this.target = new HostTarget(live, picked, conn.local)
    this.onSessionOver = (): void => picked.release()
    this.#conn = conn
  }

  accept(): Conn {
    return this.#conn
  }

  reject(): Promise<void> {
    this.#conn.reset()
    return Promise.resolve()
  }
}
