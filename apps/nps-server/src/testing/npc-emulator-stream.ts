import { Duplex } from 'node:stream'
import {
  decodeNpcLink,
  encodeNpcFrame,
  NpcDatagrams,
  type NpcLink,
  npcMessageRoom,
  NpcReceiveWindow,
  NpcSendWindow,
  writeNpcMessage,
} from '@sluice/wire/npc'

type Done = (error?: Error | null) => void

/** What a stream needs of the mux that it is in. */
export interface EmulatorCarrier {
  send(frames: Uint8Array): void
  forget(id: number): void
}

/** One stream that the server has opened. It is bytes to who reads it, or datagrams where its link says so. */
export class EmulatorStream extends Duplex {
  readonly id: number
  /** Of the server's first bytes; of streams to files there is none. */
  link: NpcLink | undefined = undefined
  onDatagram: (payload: Uint8Array) => void = () => {}
  readonly #carrier: EmulatorCarrier
  readonly #onLink: (stream: EmulatorStream) => void
  readonly #hasHead: boolean
  readonly #out = new NpcSendWindow()
  readonly #in = new NpcReceiveWindow()
  readonly #datagrams = new NpcDatagrams()
  #head: Buffer = Buffer.alloc(0)
  /** Of what the reader was given and has not asked for more since. */
  #unread = 0
  #isClosed = false
  #waiting: { chunk: Buffer; done: Done } | undefined = undefined

  /** @param hasHead whether it begins with a link */
  constructor(
    id: number,
    carrier: EmulatorCarrier,
    hasHead: boolean,
    onLink: (stream: EmulatorStream) => void,
  ) {
    super({ allowHalfOpen: true })
    this.id = id
    this.#carrier = carrier
    this.#hasHead = hasHead
    this.#onLink = onLink
  }

  /** One message of its own; of datagrams, one of them. */
  send(message: Uint8Array): void {
    if (this.#isClosed) return
    const frames = Buffer.alloc(npcMessageRoom(message.length))
    writeNpcMessage(this.id, message, frames, 0)
    this.#out.sent(message.length)
    this.#carrier.send(frames)
  }

  received(payload: Uint8Array, isEnd: boolean): void {
    this.#in.received(payload.length)
    if (!this.#hasHead || this.link !== undefined) return this.#deliver(payload, isEnd)
    this.#head = Buffer.concat([this.#head, payload])
    const decoded = decodeNpcLink(this.#head)
    if (decoded === undefined) return
    this.link = decoded.value
    this.#taken(decoded.size)
    this.#onLink(this)
    const rest = this.#head.subarray(decoded.size)
    if (rest.length > 0) this.#deliver(rest, isEnd)
  }

  acked(read: number, max: number): void {
    this.#out.acked({ read, max })
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) this.#sendAll(waiting.chunk, waiting.done)
  }

  /** The server closed it, both ways: nothing that comes of the target later is of use. */
  serverClosed(): void {
    this.#isClosed = true
    this.push(null)
    this.#waiting?.done(null)
    this.#waiting = undefined
  }

  override _read(): void {
    this.#readOn()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#sendAll(chunk, done)
  }

  override _final(done: Done): void {
    this.#carrier.send(encodeNpcFrame({ type: 'close', id: this.id }))
    this.#carrier.forget(this.id)
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: Done): void {
    if (!this.writableFinished) this.#carrier.send(encodeNpcFrame({ type: 'close', id: this.id }))
    this.#carrier.forget(this.id)
    done(error)
  }

  #deliver(payload: Uint8Array, isEnd: boolean): void {
    const type = this.link?.type
    if (type === 'udp' || type === 'udp5') {
      const datagram = this.#datagrams.push(payload, isEnd)
      this.#taken(payload.length)
      if (datagram !== undefined) this.onDatagram(datagram)
      return
    }
    this.#unread += payload.length
    if (this.push(Buffer.from(payload))) this.#readOn()
  }

  #readOn(): void {
    const length = this.#unread
    this.#unread = 0
    if (length > 0) this.#taken(length)
  }

  #taken(octets: number): void {
    this.#in.consumed(octets, performance.now(), 0)
    const ack = this.#in.takeAck()
    if (ack !== undefined) this.#carrier.send(encodeNpcFrame({ type: 'window', id: this.id, ...ack }))
  }

  /** As much as the window lets; the rest waits. */
  #sendAll(chunk: Buffer, done: Done): void {
    const now = this.#isClosed ? chunk : chunk.subarray(0, this.#out.room)
    if (now.length > 0) this.send(now)
    if (now.length === chunk.length) done()
    else this.#waiting = { chunk: chunk.subarray(now.length), done }
  }
}
