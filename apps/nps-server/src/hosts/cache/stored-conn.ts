import { type Conn, type ConnSink, LIMITED_READ } from '@sluice/net'
import type { Address } from '@sluice/wire'

const NOWHERE: Address = { host: '', port: 0 }

/** A conn to a target that there is none of: it answers what it has, whatever it is asked. */
export class StoredConn implements Conn {
  readonly remote: Address = NOWHERE
  readonly local: Address = NOWHERE
  readLimit: number = LIMITED_READ
  closed = false
  #sink: ConnSink | undefined = undefined
  #isPaused = true
  #isTelling = false
  readonly #waiting: Uint8Array[]

  constructor(head: Uint8Array, body: Uint8Array) {
    const first = LIMITED_READ - head.length
    this.#waiting = [Buffer.concat([head, body.subarray(0, first)])]
    for (let at = first; at < body.length; at += LIMITED_READ)
      this.#waiting.push(body.subarray(at, at + LIMITED_READ))
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (this.#isTelling) return
    this.#isTelling = true
    while (!this.#isPaused && this.#sink !== undefined && this.#waiting.length > 0)
      this.#sink.onData(this.#waiting.shift()!)
    this.#isTelling = false
  }

  unread(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#waiting.unshift(chunk)
  }

  write(): boolean {
    return true
  }

  end(): void {}

  destroy(): void {
    if (this.closed) return
    this.closed = true
    this.#waiting.length = 0
    queueMicrotask(() => this.#sink?.onClose(undefined))
  }

  reset(): void {
    this.destroy()
  }
}
