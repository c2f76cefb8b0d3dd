import { type Conn, ConnStream } from '@sluice/net'

/** A conn as tests read and write it. */
export class Bytes {
  readonly stream: ConnStream
  isOver = false
  error: Error | undefined = undefined
  readonly #chunks: Buffer[] = []
  #size = 0
  #waiting: (() => void) | undefined = undefined

  constructor(conn: Conn) {
    this.stream = new ConnStream(conn)
    this.stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#size += chunk.length
      this.#waiting?.()
    })
    this.stream.on('error', (error) => (this.error = error))
    const over = (): void => {
      this.isOver = true
      this.#waiting?.()
    }
    this.stream.on('end', over).on('close', over)
  }

  send(bytes: Uint8Array | string): this {
    this.stream.write(bytes)
    return this
  }

  /** The first so many bytes of all that came. @throws Error where it ends before */
  async first(size: number): Promise<Buffer> {
    while (this.#size < size) {
      if (this.isOver) throw new Error(`ended with ${this.#size} of ${size} bytes`)
      await this.#more()
    }
    return Buffer.concat(this.#chunks).subarray(0, size)
  }

  /** All, once it has ended. */
  async all(): Promise<Buffer> {
    while (!this.isOver) await this.#more()
    return Buffer.concat(this.#chunks)
  }

  close(): void {
    this.stream.destroy()
  }

  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting = resolve
    await promise
  }
}
