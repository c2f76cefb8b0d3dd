import type { Conn, ConnSink } from '@sluice/net'

/** A conn as a test uses it: collects what comes, and how it ends. */
export class ConnEnd implements ConnSink, Disposable {
  readonly conn: Conn
  ended = false
  closed = false
  error: Error | undefined = undefined
  readonly #parts: Buffer[] = []
  #wake: () => void = () => {}

  constructor(conn: Conn) {
    this.conn = conn
    conn.attach(this)
    conn.resume()
  }

  /** What has come so far. */
  get text(): string {
    return Buffer.concat(this.#parts).toString()
  }

  write(text: string | Uint8Array): void {
    this.conn.write(Buffer.from(text as Uint8Array))
  }

  /** All that comes until a regular end. @throws where there is none */
  async rest(): Promise<Buffer> {
    await this.#until(() => this.ended || this.closed)
    if (!this.ended) throw this.error ?? new Error('closed without an end')
    return Buffer.concat(this.#parts)
  }

  /** How it is over. */
  async over(): Promise<'end' | 'reset'> {
    await this.#until(() => this.closed || this.ended)
    return this.error === undefined && this.ended ? 'end' : 'reset'
  }

  /** Once so many octets have come. */
  async octets(size: number): Promise<Buffer> {
    await this.#until(() => this.closed || this.ended || this.text.length >= size)
    return Buffer.concat(this.#parts)
  }

  onData(chunk: Uint8Array): void {
    this.#parts.push(Buffer.from(chunk))
    this.#wake()
  }

  onEnd(): void {
    this.ended = true
    this.#wake()
  }

  onDrain(): void {}

  onClose(error: Error | undefined): void {
    this.closed = true
    this.error = error
    this.#wake()
  }

  [Symbol.dispose](): void {
    this.conn.destroy()
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.#wake = resolve))
  }
}
