import type { Address } from '@sluice/wire'
import type { Conn } from './conn.ts'
import { listen, type Listener } from './listen.ts'
import { onFreePort, type PortRange } from './port-range.ts'

export interface InboundOptions {
  /** IP address to listen on. */
  readonly host: string
  /** @default a port of the system's choice */
  readonly ports?: PortRange | undefined
  /** Whether this is who is waited for; everybody else's conn is reset. */
  readonly expects: (remote: Address) => boolean
}

/** Nobody but the one who is waited for has any business here. */
const BACKLOG = 8
/** A conn that could not be accepted is one that did not come. */
const goOn = (): void => {}

/** A listener that waits for one conn. */
export class Inbound {
  /** Never rejects; stays open for ever where nobody comes. */
  readonly conn: Promise<Conn>
  readonly #options: InboundOptions
  readonly #arrived: (conn: Conn) => void
  #listener: Listener | undefined = undefined
  #came: Conn | undefined = undefined

  /** @throws NetError DIAL_LOCAL_LIMIT, DIAL_FAILED */
  static async open(options: InboundOptions): Promise<Inbound> {
    const inbound = new Inbound(options)
    const { host, ports } = options
    inbound.#listener = await onFreePort(ports, (port) =>
      listen({ host, port, onConn: inbound.#onConn, onError: goOn, backlog: BACKLOG }),
    )
    return inbound
  }

  private constructor(options: InboundOptions) {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<Conn>()
    this.conn = promise
    this.#arrived = resolve
  }

  get address(): Address {
    return this.#listener!.address
  }

  /** Listens no more; a conn that has come goes on. */
  close(): void {
    this.#listener?.close()
  }

  /** As `close`, for who does not want the conn any more. */
  abandon(): void {
    this.close()
    this.#came?.destroy()
  }

  readonly #onConn = (conn: Conn): void => {
    const { remote } = conn
    // Without an address it is gone already: a scan that connects and resets.
    if (this.#came !== undefined || remote.host === '' || !this.#options.expects(remote)) {
      conn.reset()
      return
    }
    this.#came = conn
    this.close()
    this.#arrived(conn)
  }
}
