import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import type { Address } from '@sluice/wire'
import { onFreePort, type PortRange } from './port-range.ts'

/** Told of each datagram, which is the sink's to keep. `host` is an IP address as the system writes it. */
export type OnDatagram = (bytes: Uint8Array, host: string, port: number) => void

export interface DatagramSocketOptions {
  /** IP address; its family is the socket's, also of `::`. */
  readonly host: string
  /** @default a port of the system's choice */
  readonly ports?: PortRange | undefined
  readonly onDatagram: OnDatagram
  /** What the system keeps while we are busy; it may cap it. @default 1 MiB */
  readonly receiveBytes?: number
}

/** A socket that many clients send to. */
export interface DatagramListenOptions extends Pick<DatagramSocketOptions, 'onDatagram' | 'receiveBytes'> {
  /** IP address; `::` is every address of this machine, of both families. */
  readonly host: string
  /** 0 takes a free one; see {@link DatagramSocket.local}. */
  readonly port: number
}

const RECEIVE_BYTES = 1024 * 1024
/** 65,535 less the heads of UDP and, where they count, of IP. A read takes 64 KiB, so none is ever cut short. */
const MAX_BYTES = { 4: 65_507, 6: 65_527 } as const

/** Only IP addresses come here, so nothing is looked up, and nothing waits a turn of the event loop for it. */
const noLookup = (
  host: string,
  _family: unknown,
  callback: (error: null, address: string, family: number) => void,
): void => callback(null, host, isIP(host))

/** How a socket of both families writes an IPv4 address, RFC 4291 §2.5.5.2. */
const MAPPED = '::ffff:'

/** A UDP socket that fails silently, as UDP does: what cannot be sent is lost, and what bounces is nobody's concern. */
export class DatagramSocket {
  readonly local: Address
  /** The longest datagram that it can send, to whichever family. */
  readonly maxBytes: number
  readonly #socket: Socket
  readonly #isDual: boolean
  #closed = false

  /** @throws NetError DIAL_* where it cannot be bound */
  static bind(options: DatagramSocketOptions): Promise<DatagramSocket> {
    return onFreePort(options.ports, (port) => bindTo(options, port, false))
  }

  /** For clients, at one port. @throws the system error with which binding failed (EADDRINUSE, EACCES, …) */
  static listen({ port, ...options }: DatagramListenOptions): Promise<DatagramSocket> {
    return bindTo(options, port, options.host === '::')
  }

  /** @internal */
  constructor(socket: Socket, onDatagram: OnDatagram, isDual: boolean) {
    const { address: host, port, family } = socket.address()
    this.local = { host, port }
    this.maxBytes = MAX_BYTES[family === 'IPv6' && !isDual ? 6 : 4]
    this.#socket = socket
    this.#isDual = isDual
    socket.on('message', (bytes: Uint8Array, { address, port: from }: RemoteInfo) => {
      onDatagram(bytes, isDual && address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address, from)
    })
  }

  /**
   * Sends one datagram, of one piece or several. The bytes must not be written to afterwards.
   * @param host an IP address of the socket's family, of either where it has both
   */
  send(bytes: Uint8Array | readonly Uint8Array[], host: string, port: number): void {
    // A datagram may come from port 0, to which none can go back; Node throws at that.
    if (this.#closed || port === 0) return
    this.#socket.send(bytes, port, this.#isDual && !host.includes(':') ? MAPPED + host : host)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.close()
  }
}

const bindTo = (options: DatagramSocketOptions, port: number, isDual: boolean): Promise<DatagramSocket> =>
  new Promise((resolve, reject) => {
    const { host, onDatagram, receiveBytes = RECEIVE_BYTES } = options
    const family =
      isIP(host) === 6 ? ({ type: 'udp6', ipv6Only: !isDual } as const) : ({ type: 'udp4' } as const)
    const socket = createSocket({ ...family, recvBufferSize: receiveBytes, lookup: noLookup })
    const failed = (error: Error): void => {
      socket.close()
      reject(error)
    }
    socket.once('error', failed)
    socket.bind({ port, address: host, exclusive: true }, () => {
      // A datagram that bounces is reported on the next receive; there is nobody to tell.
      socket.off('error', failed).on('error', () => {})
      resolve(new DatagramSocket(socket, onDatagram, isDual))
    })
  })
