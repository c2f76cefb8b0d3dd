import type { Conn } from '@sluice/net'
import { type Address, decodeSocksAddress, encodeSocksAddress, WireError } from '@sluice/wire'
import type { DatagramLink, PacketLink } from '../agent.ts'
import { DatagramStream } from './datagram-stream.ts'

const NOTHING = new Uint8Array(0)

/** Nothing comes before there is somebody to take it. */
class Link<Take> {
  onClose: (error: Error | undefined) => void = () => {}
  protected readonly stream: DatagramStream
  #take: Take
  #hasBegun = false

  constructor(conn: Conn, nobody: Take) {
    this.#take = nobody
    this.stream = new DatagramStream(conn)
    this.stream.onClosed = (error): void => this.onClose(error)
  }

  get onDatagram(): Take {
    return this.#take
  }

  set onDatagram(take: Take) {
    this.#take = take
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.stream.start()
  }

  close(): void {
    this.stream.close()
  }
}

/** Datagrams of one visitor, each by itself on the stream. */
export class StreamDatagramLink extends Link<DatagramLink['onDatagram']> implements DatagramLink {
  constructor(conn: Conn) {
    super(conn, () => {})
    this.stream.onDatagram = (datagram): void => this.onDatagram(datagram)
  }

  send(payload: Uint8Array): boolean {
    return this.stream.send(payload)
  }
}

/** As {@link StreamDatagramLink}; in front of each stands the address (RFC 1928 §5) that it goes to or came from. */
export class StreamPacketLink extends Link<PacketLink['onDatagram']> implements PacketLink {
  /** The last address that was sent to: mostly it is the next one too. */
  #to: Address = { host: '', port: 0 }
  #head: Uint8Array = NOTHING

  constructor(conn: Conn) {
    super(conn, () => {})
    this.stream.onDatagram = (datagram): void => this.#arrived(datagram)
  }

  send(to: Address, payload: Uint8Array): boolean {
    if (to.host !== this.#to.host || to.port !== this.#to.port) {
      this.#head = encodeSocksAddress(to)
      this.#to = to
    }
    return this.stream.send(payload, this.#head)
  }

  /** What is malformed is dropped, as datagrams are. */
  #arrived(datagram: Uint8Array): void {
    const from = readPacket(datagram)
    if (from !== undefined) this.onDatagram(from.value, datagram.subarray(from.size))
  }
}

/** The address in front of a datagram; undefined where there is none. */
export const readPacket = (datagram: Uint8Array): { value: Address; size: number } | undefined => {
  try {
    return decodeSocksAddress(datagram)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}
