import type { Conn, ConnSink } from '@sluice/net'
import type { Address } from '@sluice/wire'

const connReset = (): Error => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

/** One end of a connection without a network: bytes arrive at once, ends and closes as they would over TCP. */
export class MemoryConn implements Conn {
  readonly remote: Address
  readonly local: Address
  readLimit = 65_536
  closed = false
  /** It was reset from this side. */
  wasReset = false
  peer!: MemoryConn
  #sink: ConnSink | undefined = undefined
  #paused = false
  #arrived: Uint8Array[] = []
  #error: Error | undefined = undefined
  #endSent = false
  #endCame = false
  #endTold = false
  #closeTold = false

  constructor(local: Address, remote: Address) {
    this.local = local
    this.remote = remote
  }

  attach(sink: ConnSink | undefined): void {
    this.#sink = sink
    this.#endTold = this.#closeTold = false
    if (this.#endCame || this.closed) this.#paused = true
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#deliver()
  }

  unread(chunk: Uint8Array): void {
    this.#arrived.unshift(Uint8Array.from(chunk))
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed) return true
    if (this.peer.closed) this.#close(connReset())
    else this.peer.#arrive(Uint8Array.from(chunk))
    return true
  }

  end(): void {
    if (this.#endSent || this.closed) return
    this.#endSent = true
    this.peer.#endCame = true
    this.peer.#deliver()
    this.#closeIfDone()
    this.peer.#closeIfDone()
  }

  destroy(): void {
    this.end()
    this.#close(undefined)
  }

  reset(): void {
    if (this.closed) return
    this.wasReset = true
    this.#close(undefined)
    this.peer.#close(connReset())
  }

  #arrive(bytes: Uint8Array): void {
    this.#arrived.push(bytes)
    this.#deliver()
  }

  #deliver(): void {
    while (!this.#paused && this.#arrived.length > 0) {
      if (this.#sink === undefined) return this.pause()
      this.#sink.onData(this.#arrived.shift()!)
    }
    if (this.#paused || this.#sink === undefined) return
    if (this.#endCame && !this.#endTold && this.#error === undefined) {
      this.#endTold = true
      this.#sink.onEnd()
    }
    if (this.closed) this.#tellClose()
  }

  #closeIfDone(): void {
    if (this.#endSent && this.#endCame && this.#arrived.length === 0) this.#close(undefined)
  }

  #close(error: Error | undefined): void {
    if (this.closed) return
    this.closed = true
    this.#error = error
    queueMicrotask(() => this.#tellClose())
  }

  #tellClose(): void {
    if (this.#closeTold || this.#sink === undefined) return
    this.#closeTold = true
    this.#sink.onClose(this.#error)
  }
}

/** The far end of a connection, as the test plays it. */
export class Far implements ConnSink {
  readonly conn: MemoryConn
  text = ''
  size = 0
  ended = false
  closed = false
  error: Error | undefined = undefined

  constructor(conn: MemoryConn) {
    this.conn = conn
    conn.attach(this)
  }

  write(text: string | Uint8Array): void {
    this.conn.write(Buffer.from(text))
  }

  end(): void {
    this.conn.end()
  }

  /** Leaves without a word, as a client that was killed. */
  reset(): void {
    this.conn.reset()
  }

  onData(chunk: Uint8Array): void {
    this.size += chunk.length
    this.text += Buffer.from(chunk).toString()
  }

  onEnd(): void {
    this.ended = true
  }

  onDrain(): void {}

  onClose(error: Error | undefined): void {
    this.closed = true
    this.error = error
  }
}

/** A connection that comes from `host`: our end of it, and the other. */
export const memoryConn = (host = '192.0.2.1', port = 40_000): { conn: MemoryConn; far: Far } => {
  const [ours, theirs] = [
    { host: '192.0.2.254', port: 8890 },
    { host, port },
  ]
  const conn = new MemoryConn(ours, theirs)
  conn.peer = new MemoryConn(theirs, ours)
  conn.peer.peer = conn
  return { conn, far: new Far(conn.peer) }
}

/** Resolves when all that is under way without a timer has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
