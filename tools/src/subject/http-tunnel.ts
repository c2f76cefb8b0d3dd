import { Duplex, type Readable, type Writable } from 'node:stream'

export interface TunnelParts {
  /** What is written goes there. */
  readonly up: Writable
  /** Breaks the connection below. */
  readonly reset: () => void
  /** Until then the end of what is written is kept back. @default nothing is waited for */
  readonly endsAfter?: Promise<unknown>
}

/** A body that goes and one that comes, of one request, as bytes both ways. Its errors are told by 'close' alone. */
export class HttpTunnel extends Duplex {
  readonly #parts: TunnelParts
  #down: Readable | undefined = undefined

  constructor(parts: TunnelParts) {
    super({ allowHalfOpen: true })
    this.#parts = parts
    const { up } = parts
    up.on('error', () => this.destroy()).on('close', () => {
      if (!up.writableFinished) this.destroy()
    })
  }

  /** What is read comes from there. */
  attach(down: Readable): void {
    this.#down = down
    down.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) down.pause()
    })
    down.on('end', () => this.push(null)).on('error', () => this.destroy())
    down.on('close', () => {
      if (!down.readableEnded) this.destroy()
    })
  }

  resetAndDestroy(): this {
    this.#parts.reset()
    return this.destroy()
  }

  override _read(): void {
    this.#down?.resume()
  }

  override _write(chunk: Uint8Array, _encoding: unknown, done: () => void): void {
    const { up } = this.#parts
    if (up.write(chunk)) done()
    else up.once('drain', done)
  }

  override _final(done: () => void): void {
    const { up, endsAfter } = this.#parts
    const end = (): unknown => up.end(done)
    if (endsAfter === undefined) end()
    else void endsAfter.then(end)
  }

  override _destroy(_error: Error | null, done: () => void): void {
    if (!this.readableEnded || !this.writableFinished) this.#parts.reset()
    done()
  }
}
