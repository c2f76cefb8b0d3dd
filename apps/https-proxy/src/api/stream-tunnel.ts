import type { Http2ServerRequest } from 'node:http2'
import { type Conn, Relay } from '@sluice/net'
import { codeOf, type OwnLanes, type Serving } from '@sluice/service'
import { type Address, parseAddress } from '@sluice/wire'
import type { Exchange } from './exchange.ts'
import { REQUEST_ID } from './problem.ts'
import { RequestError } from './request-error.ts'
import { doneOf } from './request-line.ts'
import type { ApiSettings, RequestDone } from './settings.ts'
import { StreamConn } from './stream-conn.ts'

/** A tunnel that was asked for with CONNECT over HTTP/2, one of many on its connection (RFC 9113 §8.5). */
export class StreamTunnel {
  readonly #exchange: Exchange
  readonly #session: Serving
  readonly #settings: ApiSettings
  readonly #ends: Conn
  #relay: Relay | undefined = undefined

  /** @param ends the connection below */
  constructor(exchange: Exchange, session: Serving, settings: ApiSettings, ends: Conn) {
    this.#exchange = exchange
    this.#session = session
    this.#settings = settings
    this.#ends = ends
  }

  /**
   * Dials and relays, until both have ended.
   * @returns what came of it, where it stood
   * @throws why it does not stand; the client is not told yet
   */
  async run(): Promise<RequestDone | undefined> {
    const exchange = this.#exchange
    const { stream } = exchange.message as Http2ServerRequest
    const target = targetOf(exchange)
    const route = await this.#reach(target)
    const lanes = this.#session.openLanes()
    try {
      // Its client has left, or was told something else, while it was dialled.
      if (exchange.isOver || exchange.reply.headersSent) return undefined
      const client = new StreamConn(stream, this.#ends)
      exchange.handOver()
      stream.respond({ ':status': 200, [REQUEST_ID]: exchange.id })
      const code = await this.#relayed(client, route.conn, lanes)
      const { up, down } = client
      return { ...doneOf(exchange), status: 200, code, up, down }
    } finally {
      route.conn.destroy()
      lanes.close()
    }
  }

  cut(error: Error): void {
    this.#relay?.cut(error)
  }

  /** With its turn in the queue until the dial has ended. */
  async #reach(target: Address): ReturnType<Serving['dial']> {
    const { enter } = this.#settings
    const session = this.#session
    if (enter === undefined) return session.dial(target, 'tunnel')
    using _ = await enter(session, 0, this.#exchange.signal())
    return await session.dial(target, 'tunnel')
  }

  async #relayed(client: Conn, target: Conn, lanes: OwnLanes): Promise<RequestDone['code']> {
    try {
      this.#relay = new Relay(client, target, lanes)
      await this.#relay.run()
      return 'OK'
    } catch (error) {
      return codeOf(error)
    }
  }
}

/** @throws RequestError */
const targetOf = ({ message }: Exchange): Address => {
  try {
    const target = parseAddress((message as Http2ServerRequest).authority)
    if (target.port > 0) return target
  } catch {
    // Below.
  }
  throw new RequestError(':authority: not a host and a port')
}
