import { isIP } from 'node:net'
import { type Conn, DatagramSocket, NetError, type PortRange, refuse } from '@sluice/net'
import {
  type Account,
  Association,
  type CallerLocate,
  codeOf,
  type ErrorCode,
  Seldom,
  type ServedRequest,
  type Serving,
} from '@sluice/service'
import type { Address } from '@sluice/wire'
import { SocksDatagrams } from './socks-datagrams.ts'
import type { SocksClient, SocksWords } from './socks-request.ts'

export interface UdpOptions {
  readonly locate: CallerLocate
  /** IP address that clients are told to send to, where they come by one of its family. @default the one they came by */
  readonly address?: string | undefined
  /** @default those of the system's choice */
  readonly ports?: PortRange | undefined
  /** An association in which nothing passes for so long ends. */
  readonly idleMs: number
  /** As `source` of an `Association`. */
  readonly source?: string | undefined
}

const SELDOM_MS = 60_000

interface RequestOptions extends UdpOptions {
  readonly seldom: Seldom
}

/** UDP ASSOCIATE (RFC 1928 §7): datagrams for as long as the connection stands that asked for it. */
export class UdpAssociate {
  readonly options: UdpOptions
  readonly #seldom = new Seldom(SELDOM_MS)

  constructor(options: UdpOptions) {
    this.options = options
  }

  /** @param from where the client means to send from; 0.0.0.0 and 0 where it does not know */
  request(client: SocksClient, from: Address): ServedRequest {
    return new UdpRequest({ ...this.options, seldom: this.#seldom }, client, from)
  }
}

class UdpRequest implements ServedRequest {
  readonly protocol = 'udp'
  readonly account: Account
  readonly target: undefined = undefined
  readonly #options: RequestOptions
  readonly #conn: Conn
  readonly #words: SocksWords
  readonly #from: Address

  constructor(options: RequestOptions, { conn, account, words }: SocksClient, from: Address) {
    this.account = account
    this.#options = options
    this.#conn = conn
    this.#words = words
    this.#from = from
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, this.#words.refused(code))
  }

  async serve(session: Serving): Promise<void> {
    const over = Promise.withResolvers<void>()
    session.onStop = over.reject
    // Where it comes before anybody waits, whoever waits next is told.
    over.promise.catch(() => {})
    const datagrams = new SocksDatagrams(session, this.#portOf(session))
    const socket = await this.#open(session, datagrams)
    const association = new Association({
      ...this.#options,
      caller: session,
      client: datagrams,
      lanes: session.lanes,
      metrics: session.metrics,
      log: session.log,
      onEnd: over.reject,
    })
    datagrams.start(socket, association)
    try {
      this.#conn.write(this.#words.accepted(this.#toldOf(socket.local)))
      watch(this.#conn, over)
      await over.promise
    } finally {
      this.#conn.attach(undefined)
      association.close()
      socket.close()
    }
  }

  async #open({ conn }: Serving, datagrams: SocksDatagrams): Promise<DatagramSocket> {
    try {
      const { ports } = this.#options
      return await DatagramSocket.bind({ host: conn.local.host, ports, onDatagram: datagrams.onDatagram })
    } catch (error) {
      await this.reject(codeOf(error))
      throw error
    }
  }

  #toldOf(local: Address): Address {
    const { address } = this.#options
    return address !== undefined && isIP(address) === isIP(local.host) ? { ...local, host: address } : local
  }

  /** Behind a NAT the client does not know its port; then its address is not the one that we see either. */
  #portOf({ client }: Serving): number {
    return this.#from.host === client.host ? this.#from.port : 0
  }
}

/** The connection carries nothing any more; its end is the association's (RFC 1928 §7), a half-close as well. */
const watch = (conn: Conn, { resolve, reject }: PromiseWithResolvers<void>): void => {
  conn.attach({
    onData: () => {},
    onEnd: () => resolve(),
    onDrain: () => {},
    onClose: (cause) => {
      if (cause === undefined) resolve()
      else reject(new NetError('CLIENT_RESET', 'the client broke off', { cause }))
    },
  })
  conn.resume()
}
