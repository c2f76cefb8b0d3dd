import type { Conn, ConnSink } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { Fill } from './fill.ts'

/** Who listens to the answers that one visitor gets, of which there is one at a time. */
export class Tap {
  #fill: Fill | undefined = undefined
  #from: TappedConn | undefined = undefined

  /** The next answer is for this one, and the one before it ends as it is. */
  set(fill: Fill | undefined): void {
    this.#fill?.stop()
    this.#fill = fill
    this.#from = undefined
  }

  /** @internal A request goes there. Where it goes to a second one, nobody knows what the first has said. */
  onWrite(conn: TappedConn): void {
    if (this.#from !== undefined && this.#from !== conn) this.set(undefined)
    this.#from = conn
  }

  /** @internal */
  onData(conn: TappedConn, bytes: Uint8Array): void {
    if (this.#from === conn) this.#fill?.take(bytes)
  }
}

/** A conn whose bytes are heard by a {@link Tap}, too. */
export class TappedConn implements Conn, ConnSink {
  readonly #conn: Conn
  readonly #tap: Tap
  #sink: ConnSink | undefined = undefined

  constructor(conn: Conn, tap: Tap) {
    this.#conn = conn
    this.#tap = tap
  }

  get remote(): Address {
    return this.#conn.remote
  }

  get local(): Address {
    return this.#conn.local
  }

  get closed(): boolean {
    return this.#conn.closed
  }

  get readLimit(): number {
    return this.#conn.readLimit
  }

  set readLimit(bytes: number) {
    this.#conn.readLimit = bytes
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#conn.attach(sink && this)
  }

  pause(): void {
    this.#conn.pause()
  }

  resume(): void {
    this.#conn.resume()
  }

  /** It would be heard twice. */
  unread(chunk: Uint8Array): void {
    this.#tap.set(undefined)
    this.#conn.unread(chunk)
  }

  write(chunk: Uint8Array): boolean {
    this.#tap.onWrite(this)
    return this.#conn.write(chunk)
  }

  end(): void {
    this.#conn.end()
  }

  destroy(): void {
    this.#conn.destroy()
  }

  reset(reason?: number): void {
    this.#conn.reset(reason)
  }

  onData(chunk: Uint8Array): void {
    this.#tap.onData(this, chunk)
    this.#sink!.onData(chunk)
  }

  onEnd(): void {
    this.#sink!.onEnd()
  }

  onDrain(): void {
    this.#sink!.onDrain()
  }

  onClose(error: Error | undefined): void {
    this.#sink!.onClose(error)
  }
}
