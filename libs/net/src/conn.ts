import type { Address } from '@sluice/wire'

/** Who gets a conn's bytes and events, each event once. One at a time; see {@link Conn.attach}. */
export interface ConnSink {
  /**
   * `chunk` is not empty. It may be used until this returns or, where the sink pauses the conn in it, until the sink
   * resumes the conn.
   */
  onData(chunk: Uint8Array): void
  /** The peer has half-closed: no more data will come. Never while the conn is paused. */
  onEnd(): void
  /** All that `write` had to queue is gone. Not told once `end` was called. */
  onDrain(): void
  /**
   * The conn is no more, for whatever reason; nothing follows. Without `error` it comes behind all data and `onEnd`,
   * unless this side destroyed the conn; with `error` it comes at once, even while the conn is paused.
   */
  onClose(error: Error | undefined): void
}

/** A byte stream with an address at both ends: a socket, or a stream of a mux. */
export interface Conn {
  /** Host '' and port 0 where the peer had gone before anyone asked. */
  readonly remote: Address
  readonly local: Address
  readonly closed: boolean
  /** The most bytes that one `onData` should bring, in steps that the conn knows. A wish. */
  readLimit: number
  /**
   * Sends data and events to `sink` from now on, or to nobody: then the first thing to come is kept and the conn is
   * paused. An end or close that has passed already is told to `sink` too, once the conn is resumed.
   */
  attach(sink: ConnSink | undefined): void
  pause(): void
  resume(): void
  /** Puts bytes back in front of those to come. Only while paused. */
  unread(chunk: Uint8Array): void
  /**
   * @returns whether it all went out at once. If not, `chunk` belongs to the conn until `onDrain`, and nothing more
   * should be written until then.
   */
  write(chunk: Uint8Array): boolean
  /** Half-closes once all that was written is out. */
  end(): void
  /** Ends both ways at once; what is still queued is lost. */
  destroy(): void
  /**
   * As `destroy`, and the peer can tell that it was not a regular end.
   * @param reason 0 to 999, told to the peer where the conn has words for it: a WebSocket does, TCP has not
   */
  reset(reason?: number): void
}
