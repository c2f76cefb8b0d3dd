import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'

/** What every end sends, from its beginning on. */
export const PAYLOAD: Buffer = randomBytes(8 * 1024 * 1024)

/** How an end takes what comes: at once, or with turns of the event loop between, so that its peer has to wait. */
export type Pace = 'fast' | 'slow'

/** One end of a connection through a door, that knows how it went. */
export class TunnelEnd {
  /** Bytes written, and bytes that came, heads included. */
  sent = 0
  came = 0
  /** Of `came`, behind the head. */
  got = 0
  /** All so far is what the other end has sent. */
  isRight = true
  /** The other end has ended properly. */
  ended = false
  readonly #socket: Socket
  readonly #closed: Promise<unknown>
  readonly #waiting = new Set<() => void>()
  #head: Buffer | undefined

  /** @param hasHead an HTTP head comes before the payload */
  constructor(socket: Socket, hasHead = false, pace: Pace = 'fast') {
    this.#socket = socket
    this.#head = hasHead ? Buffer.alloc(0) : undefined
    // Closed by an error: 'close' still comes.
    this.#closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve))
    socket.on('end', () => (this.ended = true)).on('close', () => this.#check())
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk)
      if (pace === 'slow') this.#rest()
    })
  }

  send(bytes: Uint8Array): void {
    this.sent += bytes.length
    this.#socket.write(bytes)
  }

  finish(): void {
    this.#socket.end()
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Waits until so much of the payload is there. @throws Error where the connection is over before */
  async until(bytes: number): Promise<void> {
    while (this.got < bytes) {
      if (this.#socket.closed) throw new Error(`over after ${this.got} bytes of ${bytes}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** Waits until the other end has ended properly. */
  async untilEnd(): Promise<void> {
    if (!this.ended) await Promise.race([once(this.#socket, 'end'), this.#closed])
    if (!this.ended) throw new Error(`broken after ${this.got} bytes`)
  }

  /** Waits until the connection is no more. */
  async closed(): Promise<void> {
    await this.#closed
  }

  #take(chunk: Buffer): void {
    this.came += chunk.length
    const payload = this.#head === undefined ? chunk : this.#behindHead(Buffer.concat([this.#head, chunk]))
    this.isRight &&= payload.equals(PAYLOAD.subarray(this.got, this.got + payload.length))
    this.got += payload.length
    this.#check()
  }

  #behindHead(bytes: Buffer): Buffer {
    const end = bytes.indexOf('\r\n\r\n')
    this.#head = end < 0 ? bytes : undefined
    return end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 4)
  }

  #rest(): void {
    this.#socket.pause()
    setTimeout(() => this.#socket.resume(), 1)
  }

  #check(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
