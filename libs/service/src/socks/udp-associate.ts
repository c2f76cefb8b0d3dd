import { isIP } from 'node:net'
import { type Conn, DatagramSocket, NetError, type PortRange, refuse } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { Account } from '../account.ts'
import type { DatagramClient } from '../datagram.ts'
import { codeOf, type ErrorCode } from '../errors.ts'
import type { ServedRequest, Serving } from '../request.ts'
import { type DatagramPath, SocksDatagrams } from './socks-datagrams.ts'
import type { SocksClient, SocksCommand, SocksWords } from './socks-request.ts'

export interface UdpAssociateOptions<To> {
  /** IP address that clients are told to send to, where they come by one of its family. @default the one they came by */
  readonly address?: string | undefined
  /** @default those of the system's choice */
  readonly ports?: PortRange | undefined
  readonly open: OpenPath<To>
}

/**
 * Opens the way from a client to whomever it sends to.
 * @param onEnd told once where it has to end by itself; it is closed then
 * @param signal ends the opening, which then rejects with the signal's reason
 */
export type OpenPath<To> = (
  session: Serving,
  client: DatagramClient,
  onEnd: (error: Error) => void,
  signal: AbortSignal,
) => DatagramPath<To> | Promise<DatagramPath<To>>

/** UDP ASSOCIATE (RFC 1928 §7): datagrams for as long as the connection stands that asked for it. */
export class UdpAssociate<To> implements SocksCommand {
  readonly options: UdpAssociateOptions<To>

  constructor(options: UdpAssociateOptions<To>) {
    this.options = options
  }

  /** @param from where the client means to send from; 0.0.0.0 and 0 where it does not know */
  request(client: SocksClient, from: Address): ServedRequest {
    return new UdpRequest(this.options, client, from)
  }
}

class UdpRequest<To> implements ServedRequest {
  readonly protocol = 'udp'
  readonly account: Account
  readonly target: undefined = undefined
  readonly #options: UdpAssociateOptions<To>
  readonly #conn: Conn
  readonly #words: SocksWords
  readonly #from: Address

  constructor(options: UdpAssociateOptions<To>, { conn, account, words }: SocksClient, from: Address) {
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
    const opening = new AbortController()
    session.onStop = (error): void => {
      over.reject(error)
      opening.abort(error)
    }
    // Where it comes before anybody waits, whoever waits next is told.
    over.promise.catch(() => {})
    const datagrams = new SocksDatagrams<To>(session, this.#portOf(session))
    const { socket, path } = await this.#open(session, datagrams, over.reject, opening.signal)
    datagrams.start(socket, path)
    try {
      this.#conn.write(this.#words.accepted(this.#toldOf(socket.local)))
      watch(this.#conn, over)
      await over.promise
    } finally {
      this.#conn.attach(undefined)
      path.close()
      socket.close()
    }
  }

  async #open(
    session: Serving,
    datagrams: SocksDatagrams<To>,
    ...ends: [onEnd: (error: Error) => void, signal: AbortSignal]
  ): Promise<{ socket: DatagramSocket; path: DatagramPath<To> }> {
    const { ports, open } = this.#options
    const { host } = session.conn.local
    let socket: DatagramSocket | undefined
    try {
      socket = await DatagramSocket.bind({ host, ports, onDatagram: datagrams.onDatagram })
      return { socket, path: await open(session, datagrams, ...ends) }
    } catch (error) {
      socket?.close()
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
