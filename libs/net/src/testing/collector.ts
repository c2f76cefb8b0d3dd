import type { Conn, ConnSink } from '../conn.ts'

/** A sink that keeps what it is told. */
export class Collector implements ConnSink {
  readonly conn: Conn
  readonly chunks: Buffer[] = []
  /** 'data' once for any number of chunks in a row. */
  readonly events: string[] = []
  error: Error | undefined = undefined
  #size = 0
  #waiting: { until: () => boolean; resolve: () => void }[] = []

  /** Takes the conn over and lets it run. */
  constructor(conn: Conn) {
    this.conn = conn
    conn.attach(this)
    conn.resume()
  }

  get size(): number {
    return this.#size
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  has(event: string): boolean {
    return this.events.includes(event)
  }

  /** Resolves as soon as `condition` holds after something was told. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ until: condition, resolve }))
  }

  onData(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk))
    this.#size += chunk.length
    this.#told('data')
  }

  onEnd(): void {
    this.#told('end')
  }

  onDrain(): void {
    this.#told('drain')
  }

  onClose(error: Error | undefined): void {
    this.error = error
    this.#told(error === undefined ? 'close' : 'break')
  }

  #told(event: string): void {
    if (event !== 'data' || this.events.at(-1) !== 'data') this.events.push(event)
    const still = this.#waiting.filter(({ until }) => !until())
    const met = this.#waiting.filter((each) => !still.includes(each))
    this.#waiting = still
    for (const { resolve } of met) resolve()
  }
}
