import { type Conn, type ConnSink, NetError } from '@sluice/net'
import { ServiceError, type Serving } from '@sluice/service'

/** Waits for something while a peer does: ends early when its conn breaks, or the session has to end. */
export class PeerWait implements ConnSink, Disposable {
  readonly #conn: Conn
  readonly #session: Serving
  readonly #early = Promise.withResolvers<never>()
  #onDrained: (() => void) | undefined = undefined

  constructor(conn: Conn, session: Serving) {
    this.#conn = conn
    this.#session = session
    // It may come while nobody waits; whoever waits next is told.
    this.#early.promise.catch(() => {})
    session.onStop = this.#early.reject
    session.onShutdown = (): void => this.#early.reject(new ServiceError('SHUTDOWN'))
    conn.attach(this)
    conn.resume()
  }

  /** @throws what `promise` throws; NetError CLIENT_CLOSED; what the session was told */
  until<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#early.promise])
  }

  /** Whatever was written is on its way. @throws as `until` */
  drained(): Promise<void> {
    return this.until(new Promise((resolve) => (this.#onDrained = resolve)))
  }

  /** What comes early waits in the conn. */
  onData(chunk: Uint8Array): void {
    this.#conn.pause()
    this.#conn.unread(chunk)
  }

  /** It may have said all that it wants to say, and wait for the answer. */
  onEnd(): void {}

  onDrain(): void {
    this.#onDrained?.()
  }

  onClose(cause: Error | undefined): void {
    this.#early.reject(new NetError('CLIENT_CLOSED', 'the peer left while it waited', { cause }))
  }

  [Symbol.dispose](): void {
    this.#session.onStop = undefined
    this.#session.onShutdown = undefined
    this.#conn.attach(undefined)
  }
}
