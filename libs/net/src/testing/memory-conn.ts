import type { Address } from '@sluice/wire'
import type { Conn, ConnSink } from '../conn.ts'

export interface MemoryOptions {
  /** Runs each step of the transport once, some time later, in any order. @default queueMicrotask */
  readonly schedule?: (step: () => void) => void
  /** The most bytes of the next `onData`. @default as many as there are */
  readonly readBytes?: () => number
  /** How many bytes of a write go out at once; the rest waits. @default all */
  readonly writeBytes?: () => number
}

/** Bytes that may no longer be used look like this. */
export const POISON = 0xdd
const LENT_BYTES = 64 * 1024
const OPEN_END = 0
const END_TOLD = 1
const CLOSE_TOLD = 2

const connReset = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

/**
 * One end of a connection without a network, strict about what a {@link Conn} lends and is lent: all its chunks come
 * in one buffer that is overwritten as soon as the sink may no longer use it, and what waits in it to go out is read
 * only when it goes.
 */
export class MemoryConn implements Conn {
  readonly remote: Address
  readonly local: Address
  readLimit: number = LENT_BYTES
  closed = false
  resets = 0
  peer!: MemoryConn
  readonly #options: Required<MemoryOptions>
  readonly #lent = Buffer.alloc(LENT_BYTES, POISON)
  #lentSize = 0
  #sink: ConnSink | undefined = undefined
  #paused = false
  #stalled = false
  #kept: Uint8Array | undefined = undefined
  #arriving: Buffer[] = []
  #leaving: Uint8Array[] = []
  #told = OPEN_END
  #error: Error | undefined = undefined
  /** The peer's end is behind `#arriving`; it has been reached. */
  #finished = false
  #ended = false
  /** Our end is behind `#leaving`; it is out. */
  #ending = false
  #endOut = false
  readonly #pending = new Set<() => void>()

  constructor(port: number, options: Required<MemoryOptions>) {
    this.local = { host: '192.0.2.1', port }
    this.remote = { host: '192.0.2.2', port }
    this.#options = options
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Nothing goes out while this is set. */
  set stalled(stalled: boolean) {
    this.#stalled = stalled
    if (!stalled) this.#later(this.#flush)
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#told = OPEN_END
    if (this.#ended || this.closed) this.#paused = true
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    const kept = this.#kept
    this.#kept = undefined
    if (kept !== undefined) this.#receive(kept)
    if (this.#paused) return
    this.#lent.fill(POISON, 0, this.#lentSize)
    this.#later(this.#deliver)
    this.#tell()
  }

  unread(chunk: Uint8Array): void {
    if (!this.#paused) throw new Error('unread while not paused')
    if (chunk.length > 0) this.#kept = this.#kept === undefined ? chunk : Buffer.concat([chunk, this.#kept])
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ending) throw new Error('write after end')
    if (this.closed) return true
    if (this.peer.closed) {
      this.#break(connReset())
      return true
    }
    const isFree = this.#leaving.length === 0 && !this.#stalled
    const out = isFree ? Math.min(chunk.length, this.#options.writeBytes()) : 0
    this.peer.#arrive(chunk.subarray(0, out))
    if (out === chunk.length) return true
    this.#leaving.push(chunk.subarray(out))
    this.#later(this.#flush)
    return false
  }

  end(): void {
    if (this.#ending || this.closed) return
    this.#ending = true
    if (this.#leaving.length === 0 && !this.#stalled) this.#sendEnd()
  }

  destroy(): void {
    if (this.closed) return
    this.#sendEnd()
    this.#close(undefined)
  }

  reset(): void {
    this.resets++
    if (this.closed) return
    this.#close(undefined)
    this.peer.#break(connReset())
  }

  #arrive(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#arriving.push(Buffer.from(bytes))
    this.#later(this.#deliver)
  }

  #sendEnd(): void {
    if (this.#endOut) return
    this.#endOut = true
    this.peer.#finished = true
    this.peer.#later(this.peer.#deliver)
    if (this.#ended) this.#close(undefined)
  }

  #break(error: Error): void {
    if (this.closed) return
    this.#arriving = []
    this.#close(error)
  }

  #close(error: Error | undefined): void {
    this.closed = true
    this.#error = error
    this.#leaving = []
    this.#later(this.#tell)
  }

  #later(step: () => void): void {
    if (this.#pending.has(step)) return
    this.#pending.add(step)
    this.#options.schedule(() => {
      this.#pending.delete(step)
      step()
    })
  }

  readonly #flush = (): void => {
    if (this.#stalled || this.closed) return
    const first = this.#leaving.shift()
    if (first !== undefined) {
      const out = Math.min(first.length, this.#options.writeBytes())
      this.peer.#arrive(first.subarray(0, out))
      if (out < first.length) this.#leaving.unshift(first.subarray(out))
    }
    if (this.#leaving.length > 0) this.#later(this.#flush)
    else if (this.#ending) this.#sendEnd()
    else if (first !== undefined) this.#sink?.onDrain()
  }

  readonly #deliver = (): void => {
    if (this.#paused || this.closed) return
    const first = this.#arriving.shift()
    if (first !== undefined) this.#lend(first)
    else if (this.#finished) this.#reachEnd()
  }

  #lend(bytes: Buffer): void {
    const size = Math.max(1, Math.min(bytes.length, this.readLimit, LENT_BYTES, this.#options.readBytes()))
    if (size < bytes.length) this.#arriving.unshift(bytes.subarray(size))
    bytes.copy(this.#lent, 0, 0, size)
    this.#lentSize = size
    this.#later(this.#deliver)
    this.#receive(this.#lent.subarray(0, size))
    if (!this.#paused) this.#lent.fill(POISON, 0, this.#lentSize)
  }

  #receive(chunk: Uint8Array): void {
    if (this.#sink !== undefined) return this.#sink.onData(chunk)
    this.#paused = true
    this.unread(chunk)
  }

  #reachEnd(): void {
    this.#ended = true
    this.#tell()
    if (this.#endOut && !this.closed) this.#close(undefined)
  }

  readonly #tell = (): void => {
    const sink = this.#sink
    if (sink === undefined) return
    if (this.#ended && this.#told === OPEN_END && this.#error === undefined) {
      if (this.#paused) return
      this.#told = END_TOLD
      sink.onEnd()
      if (this.#sink !== sink) return
    }
    if (!this.closed || this.#told === CLOSE_TOLD) return
    this.#told = CLOSE_TOLD
    sink.onClose(this.#error)
  }
}

/** The two ends of a connection: what one writes, the other is told. */
export const memoryConns = (options: MemoryOptions = {}): [MemoryConn, MemoryConn] => {
  const all = { schedule: queueMicrotask, readBytes: () => Infinity, writeBytes: () => Infinity, ...options }
  const pair: [MemoryConn, MemoryConn] = [new MemoryConn(1, all), new MemoryConn(2, all)]
  pair[0].peer = pair[1]
  pair[1].peer = pair[0]
  return pair
}
