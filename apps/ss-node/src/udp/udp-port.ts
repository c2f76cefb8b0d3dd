import { errnoOf } from '@sluice/net'
import type { Program } from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { Keyring } from '../keyring.ts'
import { Associations } from './associations.ts'
import { drop } from './drops.ts'
import { PacketClients } from './packet-clients.ts'
import { SaltedClients } from './salted-clients.ts'
import type { UdpParts, UdpSocket } from './udp-parts.ts'

/** Opens a socket for datagrams. */
export type OpenSocket = (
  address: Address,
  onDatagram: (bytes: Uint8Array, host: string, port: number) => void,
) => ReturnType<Program['datagrams']>

/** All datagrams that come by one port, whatever the method of its users is now. */
export class PortDatagrams {
  readonly #keyring: Keyring
  readonly #parts: UdpParts
  readonly #socket: UdpSocket
  readonly #associations: Associations
  readonly #salted: SaltedClients
  readonly #packets: PacketClients

  constructor(keyring: Keyring, parts: UdpParts, socket: UdpSocket) {
    this.#keyring = keyring
    this.#parts = parts
    this.#socket = socket
    this.#associations = new Associations(parts, socket)
    this.#salted = new SaltedClients(keyring, parts, socket, this.#associations)
    this.#packets = new PacketClients(keyring, parts, socket, this.#associations)
  }

  /** Associations. */
  get size(): number {
    return this.#associations.size
  }

  /** Of whom anything is remembered. */
  get clients(): number {
    return this.#salted.size + this.#packets.size
  }

  onDatagram(bytes: Uint8Array, host: string, port: number): void {
    const { owner, serverKey } = this.#keyring
    // To port 0 nothing can go back.
    if (port === 0) drop('malformed', this.#socket, this.#parts)
    else if (serverKey !== undefined || owner?.method.kind === '2022')
      this.#packets.onDatagram(bytes, host, port)
    else this.#salted.onDatagram(bytes, host, port)
  }

  close(): void {
    this.#salted.close()
    this.#associations.close()
  }
}

export interface UdpPortOptions {
  /** Where the port's conns come by. */
  readonly address: Address
  readonly keyring: Keyring
  readonly parts: UdpParts
  readonly open: OpenSocket
  readonly retryMs: number
}

/** The datagrams of a port for as long as it is open. A socket that cannot be had is tried for again; conns go on. */
export class UdpPort {
  readonly #options: UdpPortOptions
  #datagrams: PortDatagrams | undefined = undefined
  #socket: { close(): void } | undefined = undefined
  #errno: string | undefined = undefined
  #isClosed = false
  #retrying: NodeJS.Timeout | undefined = undefined

  constructor(options: UdpPortOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#socket !== undefined
  }

  get size(): number {
    return this.#datagrams?.size ?? 0
  }

  /** Of whom anything is remembered. */
  get clients(): number {
    return this.#datagrams?.clients ?? 0
  }

  /** Resolves when it is open, or is to be tried again. */
  async start(): Promise<void> {
    const { address, keyring, parts, open } = this.#options
    try {
      const socket = await open(address, (bytes, host, port) =>
        this.#datagrams?.onDatagram(bytes, host, port),
      )
      if (this.#isClosed) socket.close()
      else {
        this.#socket = socket
        this.#datagrams = new PortDatagrams(keyring, parts, socket)
      }
    } catch (error) {
      this.#failed(errnoOf(error))
    }
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retrying)
    this.#datagrams?.close()
    this.#socket?.close()
  }

  #failed(errno: string): void {
    const { address, parts, retryMs } = this.#options
    if (this.#errno !== errno)
      parts.log.warn({ port: address.port, protocol: 'udp', errno }, 'port.unavailable')
    this.#errno = errno
    if (!this.#isClosed) this.#retrying = setTimeout(() => void this.start(), retryMs).unref()
  }
}
