import type { HttpField } from '@sluice/wire'
import type { JobHead, JobSink } from '../../job.ts'

/** Keeps what a job tells it, and holds the job to the order in which it may. */
export class RecordingSink implements JobSink {
  head: JobHead | undefined = undefined
  error: Error | undefined = undefined
  trailers: readonly HttpField[] | undefined = undefined
  bytes = 0
  /** All that came, but for those beyond what `keeps` says. */
  readonly chunks: Uint8Array[] = []
  readonly interims: { status: number; fields: readonly HttpField[] }[] = []
  keeps: number = 1024 * 1024
  /** Says no to each chunk. */
  isSlow = false
  onChunk: (chunk: Uint8Array) => void = () => {}
  readonly #over: PromiseWithResolvers<this> = Promise.withResolvers()
  readonly #headed: PromiseWithResolvers<this> = Promise.withResolvers()

  /** It has ended, one way or the other. */
  get over(): Promise<this> {
    return this.#over.promise
  }

  /** There is a head, or will never be. */
  get headed(): Promise<this> {
    return this.#headed.promise
  }

  get isOver(): boolean {
    return this.error !== undefined || this.trailers !== undefined
  }

  get text(): string {
    return this.body.toString('latin1')
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get code(): string {
    const { error } = this
    return error === undefined ? 'OK' : 'code' in error ? String(error.code) : String(error)
  }

  onInterim(status: number, fields: readonly HttpField[]): void {
    this.#must(this.head === undefined)
    this.interims.push({ status, fields })
  }

  onHead(head: JobHead): void {
    this.#must(this.head === undefined)
    this.head = head
    this.#headed.resolve(this)
  }

  onData(chunk: Uint8Array): boolean {
    this.#must(this.head !== undefined)
    if (this.bytes < this.keeps) this.chunks.push(chunk)
    this.bytes += chunk.length
    this.onChunk(chunk)
    return !this.isSlow
  }

  onEnd(trailers: readonly HttpField[]): void {
    this.#must(this.head !== undefined)
    this.trailers = trailers
    this.#over.resolve(this)
  }

  onFailed(error: Error): void {
    this.#must(true)
    this.error = error
    this.#headed.resolve(this)
    this.#over.resolve(this)
  }

  #must(condition: boolean): void {
    if (!condition || this.isOver) this.#over.reject(new Error('told out of order'))
  }
}
