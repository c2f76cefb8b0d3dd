import { Readable } from 'node:stream'
import { type Lane, type LaneSource, LaneWriter, LIMITED_READ, NetError } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import type { ApiRequestMessage } from './reply.ts'

export interface BodyOptions {
  readonly lane: Lane
  /** What was read of it already. */
  readonly first: Uint8Array | undefined
  readonly maxBytes: number
  /** Told once, before any of the body is read. */
  readonly onWanted: () => void
}

/** The body of a client's request on its way up: as fast as the lane lets it go and whoever reads it takes it. */
export class BodyUp extends Readable implements LaneSource {
  /** Bytes that have gone up. */
  passed = 0
  readonly #message: ApiRequestMessage
  readonly #writer: LaneWriter
  readonly #options: BodyOptions
  #taken = 0
  #isBegun = false
  #isWhole = false

  constructor(message: ApiRequestMessage, options: BodyOptions) {
    super({ highWaterMark: LIMITED_READ })
    this.#message = message
    this.#options = options
    this.#writer = new LaneWriter(options.lane, this)
    this.#writer.to = this
  }

  /** What it waits for is leave to go on, and nobody's fault. */
  get isHeld(): boolean {
    return !this.#writer.free && this.readableLength === 0
  }

  override _read(): void {
    if (this.#isBegun) this.#writer.onDrain()
    else this.#begin()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#writer.clear()
    this.#message.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    this.#message.pause()
    callback(error)
  }

  /** @internal From the lane. */
  write(chunk: Uint8Array): boolean {
    this.passed += chunk.length
    return this.push(chunk)
  }

  /** @internal */
  onFree(): void {
    if (this.#isWhole) this.push(null)
    else this.#message.resume()
  }

  #begin(): void {
    this.#isBegun = true
    this.#options.onWanted()
    this.#message.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose)
    const { first } = this.#options
    if (first !== undefined && first.length > 0) this.#onData(first)
    if (this.#message.readableEnded) this.#onEnd()
    else if (this.#writer.free) this.#message.resume()
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#taken += chunk.length
    if (this.#taken > this.#options.maxBytes) this.destroy(new ServiceError('REQUEST_TOO_LARGE'))
    else if (!this.#writer.write(chunk)) this.#message.pause()
  }

  readonly #onEnd = (): void => {
    this.#isWhole = true
    if (this.#writer.free) this.push(null)
  }

  readonly #onClose = (): void => {
    if (!this.#isWhole) this.destroy(new NetError('CLIENT_CLOSED', 'the client left within its request'))
  }
}
