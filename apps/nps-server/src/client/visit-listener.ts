import { hash } from 'node:crypto'
import { type Conn, listen, type Listener, Relay } from '@sluice/net'
import { codeOf, type Log, ServiceError } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { DialWatch } from './dial-watch.ts'
import { countingLanes, type Traffic } from './traffic.ts'
import type { TunnelClient } from './tunnel-client.ts'

export interface VisitListenerOptions {
  readonly at: Address
  readonly client: Pick<TunnelClient, 'visit'>
  /** Of the secret tunnel. */
  readonly password: string
  readonly log: Log
}

/** A port of this machine whose conns are led to a secret tunnel. */
export class VisitListener {
  readonly traffic: Traffic = { up: 0, down: 0 }
  readonly #options: VisitListenerOptions
  readonly #password: string
  readonly #running = new Set<(error: Error) => void>()
  #listener: Listener | undefined = undefined

  /** @throws the system's error with which binding failed */
  static async open(options: VisitListenerOptions): Promise<VisitListener> {
    const visits = new VisitListener(options)
    const { at, log } = options
    visits.#listener = await listen({
      ...at,
      onConn: (conn) => void visits.#serve(conn),
      onError: (error) => log.warn({ err: error }, 'accept.failed'),
    })
    log.announce('listening', { door: 'local', ...visits.address })
    return visits
  }

  private constructor(options: VisitListenerOptions) {
    this.#options = options
    this.#password = hash('md5', options.password)
  }

  get address(): Address {
    return this.#listener!.address
  }

  /** Accepts no more, and ends what is open. */
  close(): void {
    this.#listener?.close()
    for (const cut of [...this.#running]) cut(new ServiceError('SHUTDOWN'))
  }

  /** Never rejects. */
  async #serve(conn: Conn): Promise<void> {
    let cut = (_error: Error): void => conn.reset()
    const end = (error: Error): void => cut(error)
    this.#running.add(end)
    try {
      const stream = await this.#open(conn)
      const relay = new Relay(conn, stream, countingLanes(this.traffic))
      cut = (error): void => relay.cut(error)
      await relay.run()
    } catch (error) {
      this.#options.log.info({ code: codeOf(error), why: (error as Error).message }, 'visit.failed')
    } finally {
      conn.destroy()
      this.#running.delete(end)
    }
  }

  async #open(conn: Conn): Promise<Conn> {
    using watch = new DialWatch(conn)
    return await this.#options.client.visit(this.#password, watch.signal)
  }
}
