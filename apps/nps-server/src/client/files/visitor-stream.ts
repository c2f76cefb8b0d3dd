import { type Conn, ConnStream } from '@sluice/net'
import type { Traffic } from '../traffic.ts'

/** A visitor's stream as Node's HTTP server wants it, counted, and ended where no request comes. */
export class VisitorStream extends ConnStream {
  readonly #conn: Conn
  readonly #traffic: Traffic
  readonly #idleMs: number
  #open = 0
  /** Of what was written. */
  #counted = 0
  #timer: NodeJS.Timeout | undefined = undefined

  constructor(conn: Conn, traffic: Traffic, idleMs: number) {
    super(conn)
    this.#conn = conn
    this.#traffic = traffic
    this.#idleMs = idleMs
    this.once('close', () => {
      clearTimeout(this.#timer)
      this.#count()
    })
    this.#wait()
  }

  /** It has had all of its answers, or has asked for nothing yet. */
  get isIdle(): boolean {
    return this.#open === 0
  }

  asked(): void {
    this.#open++
    clearTimeout(this.#timer)
  }

  answered(): void {
    this.#open--
    this.#count()
    if (this.isIdle && !this.destroyed) this.#wait()
  }

  /** As a socket's, which Node's server asks for: closes once all that was written is out. */
  destroySoon(): void {
    this.end(() => this.destroy())
  }

  /** Ends it at once, so that the visitor can tell. */
  cut(): void {
    this.#conn.reset()
    this.destroy()
  }

  override onData(chunk: Uint8Array): void {
    this.#traffic.up += chunk.length
    super.onData(chunk)
  }

  override onDrain(): void {
    this.#count()
    super.onDrain()
  }

  #count(): void {
    this.#traffic.down += this.bytesWritten - this.#counted
    this.#counted = this.bytesWritten
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.destroy(), this.#idleMs)
  }
}
