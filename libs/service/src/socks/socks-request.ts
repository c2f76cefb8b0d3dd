import type { Conn } from '@sluice/net'
import { refuse } from '@sluice/net'
import { type Address, COMMAND } from '@sluice/wire'
import type { Account } from '../account.ts'
import { type ErrorCode, ServiceError } from '../errors.ts'
import type { Request, ServedRequest } from '../request.ts'

/** What a version of SOCKS says to a request. */
export interface SocksWords {
  readonly protocol: 'socks4' | 'socks5'
  /** `bound` is an address of ours. */
  accepted(bound: Address): Uint8Array
  refused(code: ErrorCode): Uint8Array
}

/** A command beside CONNECT; `address` is what the client says with it. */
export interface SocksCommand {
  request(client: SocksClient, address: Address): ServedRequest
}

/** Those that are switched on. */
export interface SocksCommands {
  readonly bind?: SocksCommand | undefined
  readonly udp?: SocksCommand | undefined
}

/** Who asks, and in which words. */
export interface SocksClient {
  readonly conn: Conn
  readonly account: Account
  readonly words: SocksWords
}

/**
 * The request that a SOCKS command makes; both versions number their commands alike.
 * @throws ServiceError COMMAND_UNSUPPORTED, HANDSHAKE_INVALID
 */
export const socksRequest = (
  client: SocksClient,
  { bind, udp }: SocksCommands,
  command: number,
  address: Address,
): Request | ServedRequest => {
  if (command === COMMAND.BIND && bind !== undefined) return bind.request(client, address)
  if (command === COMMAND.UDP_ASSOCIATE && udp !== undefined) return udp.request(client, address)
  if (command !== COMMAND.CONNECT) throw new ServiceError('COMMAND_UNSUPPORTED', `command ${command}`)
  if (address.port === 0) throw new ServiceError('HANDSHAKE_INVALID', 'port 0')
  return new SocksConnect(client, address)
}

class SocksConnect implements Request {
  readonly protocol: string
  readonly account: Account
  readonly target: Address
  readonly #conn: Conn
  readonly #words: SocksWords

  constructor({ conn, account, words }: SocksClient, target: Address) {
    this.protocol = words.protocol
    this.account = account
    this.target = target
    this.#conn = conn
    this.#words = words
  }

  accept({ local }: Pick<Conn, 'local'>): Conn {
    this.#conn.write(this.#words.accepted(local))
    return this.#conn
  }

  reject(code: ErrorCode): Promise<void> {
    return refuse(this.#conn, this.#words.refused(code))
  }
}
