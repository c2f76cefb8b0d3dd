import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectSecurely, type ConnectionOptions } from 'node:tls'
import type { Address } from '@sluice/wire'

/** A TCP client that keeps all it was sent, and fails a wait that can no longer come true. */
export class TestClient {
  /** Where we come from, as the door sees it, and since when: ports are used again. */
  readonly port: number
  readonly since: number
  /** The other side has ended, or the connection broke. */
  over = false
  #failure: Error | undefined = undefined
  readonly #socket: Socket
  #received = Buffer.alloc(0)
  readonly #waiting = new Set<() => void>()

  /**
   * @param options `half`: goes on writing when the other side has ended; `from`: the address to come from; `tls`:
   * speaks it, by these rules
   */
  static async connect(
    { host, port }: Address,
    options: { half?: boolean; from?: string; tls?: ConnectionOptions } = {},
  ): Promise<TestClient> {
    const { half = false, from, tls } = options
    const since = Date.now()
    const socket = connect({
      host,
      port,
      ...(from !== undefined && { localAddress: from }),
      noDelay: true,
      allowHalfOpen: half,
    })
    await once(socket, 'connect')
    if (tls === undefined) return new TestClient(socket, since)
    const secure = connectSecurely({ socket, ...tls })
    await once(secure, 'secureConnect')
    return new TestClient(secure, since)
  }

  private constructor(socket: Socket, since: number) {
    this.since = since
    this.#socket = socket
    this.port = socket.localPort ?? 0
    socket
      .on('data', (chunk) => this.#take(chunk))
      .on('error', (error) => (this.#failure = error))
      .on('end', () => this.#finish())
      .on('close', () => this.#finish())
  }

  /** All so far. */
  get received(): Buffer {
    return this.#received
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** One byte after the other, each with a turn of the event loop of its own. */
  async drip(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      if (this.over) return
      this.#socket.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Half-closes. */
  finish(): void {
    this.#socket.end()
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Waits for the first `size` bytes. @throws Error where it is over before */
  async take(size: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= size || this.over)
    if (this.#received.length < size) {
      throw new Error(`wanted ${size} bytes, got ${this.#received.length}: ${this.#received.toString('hex')}`)
    }
    return this.#received.subarray(0, size)
  }

  /** Waits for the end. @returns all that came */
  async rest(): Promise<Buffer> {
    await this.#until(() => this.over)
    return this.#received
  }

  /** As `rest`, where the other side has to end as one that means its last words to arrive. @throws Error for a reset */
  async lastWords(): Promise<Buffer> {
    const words = await this.rest()
    if (this.#failure !== undefined) throw this.#failure
    return words
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    this.#check()
  }

  #finish(): void {
    this.over = true
    this.#check()
  }

  #check(): void {
    for (const check of this.#waiting) check()
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }
}
