import type { DatagramSocket } from '@sluice/net'
import type { Association, DatagramClient, Serving } from '@sluice/service'
import {
  type Address,
  decodeSocksDatagram,
  encodeSocksDatagram,
  type SocksDatagramHeader,
} from '@sluice/wire'

type To = ReturnType<Association['towards']>

/** The client's side of an association: datagrams with the header of RFC 1928 §7, from one address and port. */
export class SocksDatagrams implements DatagramClient {
  readonly #host: string
  /** 0 until the first datagram tells it. */
  #port: number
  #socket: DatagramSocket | undefined = undefined
  #association: Association | undefined = undefined
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

  start(socket: DatagramSocket, association: Association): void {
    this.#socket = socket
    this.#association = association
  }

  headOf(peer: Address): Uint8Array {
    return encodeSocksDatagram({ fragment: 0, address: peer })
  }

  send(head: Uint8Array, payload: Uint8Array): void {
    this.#socket!.send([head, payload], this.#host, this.#port)
  }

  readonly onDatagram = (bytes: Uint8Array, host: string, port: number): void => {
    const association = this.#association
    if (association === undefined) return
    if (host !== this.#host || (port !== this.#port && this.#port !== 0)) {
      association.drop('client')
      return
    }
    const to = beginsWith(bytes, this.#header) ? this.#to : this.#read(bytes, association)
    if (to === undefined) return
    this.#port = port
    association.send(bytes.subarray(this.#header.length), to)
  }

  /** Reads a header that is not that of the last datagram. */
  #read(bytes: Uint8Array, association: Association): To | undefined {
    const decoded = decode(bytes)
    if (decoded === undefined || decoded.value.address.port === 0) association.drop('malformed')
    else if (decoded.value.fragment !== 0) association.drop('fragment')
    else {
      // Not slice(): on a Buffer that would keep all of the datagram.
      this.#header = new Uint8Array(bytes.subarray(0, decoded.size))
      this.#to = association.towards(decoded.value.address)
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
