import { type Decode, WireError } from '@sluice/wire'
import {
  encodeRelayFrame,
  MAX_BODY,
  RELAY_STATUS,
  type RelayFrame,
  relayFrameDecoder,
  type RelayStatus,
  relayStatusName,
} from '@sluice/wire/relay'
import { joined } from '../noise/joined.ts'
import type { FramePort } from '../peer/frame-port.ts'
import { PeerError } from '../peer/peer-error.ts'
import type { Timing } from '../peer/timing.ts'

export const SUBPROTOCOL = 'sluice-relay.v1'
/** Most octets of one message. */
export const MAX_WS_MESSAGE: number = 64 * 1024
/** A close code says so much more than the status. */
const STATUS_BASE = 4000
const NORMAL = 1000
/** More waits in the browser for the network: writers wait too. */
const MOST_UNSENT = 1024 * 1024
/** A WebSocket tells nobody when it has sent something. */
const POLL_MS = 10
/** A WebSocket cannot be told to read no more; nobody may fill our memory. */
const MOST_UNREAD = 64 * 1024 * 1024

const frame = relayFrameDecoder(MAX_BODY.AFTER_AUTH)

/** As much of a browser's WebSocket as is used here. */
export interface WebSocketLike {
  binaryType: string
  readonly bufferedAmount: number
  send(data: Uint8Array<ArrayBuffer>): void
  close(code?: number): void
  addEventListener(type: 'open' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { readonly code: number }) => void): void
}

/** A connection to a relay: frames first, and where it becomes a circuit, its octets. */
export class RelaySocket implements FramePort {
  /** Pages cannot see the keys of their TLS. */
  readonly binding: undefined = undefined
  /** Resolves once it is open. @throws PeerError RELAY_CLOSED, or what `close` was given */
  readonly opened: Promise<void>
  /** Resolves with the reason once nothing can be sent any more. */
  readonly failed: Promise<Error>
  readonly #socket: WebSocketLike
  readonly #timing: Timing
  readonly #queue: Uint8Array[] = []
  #unread = 0
  #bytes: Uint8Array = new Uint8Array(0)
  /** The other side has ended its direction; what is queued comes before. */
  #ended = false
  #failure: Error | undefined = undefined
  #wake: () => void = () => {}
  readonly #tellFailed: (error: Error) => void

  constructor(socket: WebSocketLike, timing: Timing) {
    this.#socket = socket
    this.#timing = timing
    socket.binaryType = 'arraybuffer'
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.opened = promise
    const failed = Promise.withResolvers<Error>()
    this.failed = failed.promise
    this.#tellFailed = failed.resolve
    socket.addEventListener('open', resolve)
    socket.addEventListener('message', ({ data }) => this.#onMessage(data))
    socket.addEventListener('close', ({ code }) => {
      this.#onClose(code)
      reject(this.#failure ?? closed(code))
    })
  }

  /** The next value. One at a time. @throws what `decode` throws; PeerError RELAY_CLOSED, PEER_RESET, PEER_OVERRUN */
  async take<T>(decode: Decode<T>): Promise<T> {
    for (;;) {
      const decoded = decode(this.#bytes)
      if (decoded !== undefined) {
        this.#bytes = this.#bytes.subarray(decoded.size)
        return decoded.value
      }
      const next = this.#queue.shift()
      if (next !== undefined) {
        this.#unread -= next.length
        this.#bytes = this.#bytes.length === 0 ? next : joined(this.#bytes, next)
      } else await this.#more()
    }
  }

  async read(): Promise<RelayFrame> {
    try {
      return await this.take(frame)
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause
      throw new PeerError('RELAY_PROTOCOL', `not a frame: ${cause.message}`, { cause })
    }
  }

  send(words: RelayFrame): void {
    this.write(encodeRelayFrame(words))
  }

  /** @param bytes not empty: an empty message ends the direction */
  write(bytes: Uint8Array): void {
    if (this.#failure !== undefined) return
    for (let at = 0; at < bytes.length; at += MAX_WS_MESSAGE) {
      this.#socket.send(new Uint8Array(bytes.subarray(at, at + MAX_WS_MESSAGE)))
    }
  }

  /** Resolves when little waits to be sent. @throws why it never will be */
  async drained(): Promise<void> {
    while (this.#failure === undefined && this.#socket.bufferedAmount > MOST_UNSENT) {
      await new Promise<void>((resolve) => void this.#timing.after(POLL_MS, resolve))
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Half-closes. */
  end(): void {
    if (this.#failure === undefined) this.#socket.send(new Uint8Array(0))
  }

  close(error: Error = new PeerError('PEER_CLOSED', 'this side has closed it')): void {
    this.#end(error, NORMAL)
  }

  /** Closes it so that the other side sees it was cut. */
  reset(error: Error, status: RelayStatus = RELAY_STATUS.PEER_RESET): void {
    this.#end(error, STATUS_BASE + status)
  }

  #end(error: Error, code: number): void {
    if (this.#failure !== undefined) return
    this.#fail(error)
    this.#socket.close(code)
  }

  #onMessage(data: unknown): void {
    if (this.#failure !== undefined) return
    if (!(data instanceof ArrayBuffer)) {
      this.reset(new PeerError('RELAY_PROTOCOL', 'a text message'), RELAY_STATUS.MALFORMED_MESSAGE)
    } else if (data.byteLength === 0) this.#ended = true
    else if (this.#ended)
      this.reset(new PeerError('RELAY_PROTOCOL', 'octets behind the end'), RELAY_STATUS.PROTOCOL_ERROR)
    else this.#push(new Uint8Array(data))
    this.#wake()
  }

  #push(bytes: Uint8Array): void {
    this.#queue.push(bytes)
    this.#unread += bytes.length
    if (this.#unread > MOST_UNREAD) {
      this.reset(new PeerError('PEER_OVERRUN', 'more has come than anybody reads'), RELAY_STATUS.PEER_RESET)
    }
  }

  #onClose(code: number): void {
    if (code === NORMAL && this.#failure === undefined) this.#ended = true
    this.#fail(closed(code))
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#tellFailed(this.#failure)
    this.#wake()
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new PeerError('RELAY_CLOSED', 'the other side has ended it')
    if (this.#failure !== undefined) throw this.#failure
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }
}

const closed = (code: number): PeerError => {
  if (code < STATUS_BASE || code > STATUS_BASE + 255) {
    return new PeerError('RELAY_CLOSED', `the connection to the relay ended (${code})`)
  }
  const status = code - STATUS_BASE
  return new PeerError('PEER_RESET', `the relay cut it: ${relayStatusName(status)}`, { status })
}
