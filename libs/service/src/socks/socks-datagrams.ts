import type { DatagramSocket } from '@sluice/net'
import {
  type Address,
  decodeSocksDatagram,
  encodeSocksDatagram,
  type SocksDatagramHeader,
} from '@sluice/wire'
import type { DatagramClient, DropReason } from '../datagram.ts'
import type { Serving } from '../request.ts'

/** Where the datagrams of a client go, such as an `Association`; `To` is a target as it knows it. */
export interface DatagramPath<To> {
  towards(address: Address): To
  send(payload: Uint8Array, to: To): void
  drop(reason: DropReason): void
  close(): void
}

/** The client's side of an association: datagrams with the header of RFC 1928 §7, from one address and port. */
export class SocksDatagrams<To> implements DatagramClient {
  readonly #host: string
  /** 0 until the first datagram tells it. */
  #port: number
  #socket: DatagramSocket | undefined = undefined
  #path: DatagramPath<To> | undefined = undefined
  /** Header of the last datagram, and where it led: mostly that of the next one too. */
  #header: Uint8Array = new Uint8Array(0)
  #to: To | undefined = undefined

  /** @param port from where the client sends; 0: not known yet */
  constructor({ client }: Serving, port: number) {
    this.#host = client.host
    this.#port = port
  }

  get maxBytes(): number {
    return this.#socket!.maxBytes
  }

  start(socket: DatagramSocket, path: DatagramPath<To>): void {
    this.#socket = socket
    this.#path = path
  }

  headOf(peer: Address): Uint8Array {
    return encodeSocksDatagram({ fragment: 0, address: peer })
  }

  send(head: Uint8Array, payload: Uint8Array): void {
    this.#socket!.send([head, payload], this.#host, this.#port)
  }

  readonly onDatagram = (bytes: Uint8Array, host: string, port: number): void => {
    const path = this.#path
    if (path === undefined) return
    if (host !== this.#host || (port !== this.#port && this.#port !== 0)) {
      path.drop('client')
      return
    }
    const to = beginsWith(bytes, this.#header) ? this.#to : this.#read(bytes, path)
    if (to === undefined) return
    this.#port = port
    path.send(bytes.subarray(this.#header.length), to)
  }

  /** Reads a header that is not that of the last datagram. */
  #read(bytes: Uint8Array, path: DatagramPath<To>): To | undefined {
    const decoded = decode(bytes)
    if (decoded === undefined || decoded.value.address.port === 0) path.drop('malformed')
    else if (decoded.value.fragment !== 0) path.drop('fragment')
    else {
      // Not slice(): on a Buffer that would keep all of the datagram.
      this.#header = new Uint8Array(bytes.subarray(0, decoded.size))
      this.#to = path.towards(decoded.value.address)
      return this.#to
    }
    return undefined
  }
}

/** No header is the beginning of another one, so bytes that begin with a known one have that one. */
const beginsWith = (bytes: Uint8Array, header: Uint8Array): boolean => {
  const { length } = header
  if (length === 0 || bytes.length < length) return false
  for (let i = 0; i < length; i++) if (bytes[i] !== header[i]) return false
  return true
}

const decode = (bytes: Uint8Array): { value: SocksDatagramHeader; size: number } | undefined => {
  try {
    return decodeSocksDatagram(bytes)
  } catch {
    return undefined
  }
}
