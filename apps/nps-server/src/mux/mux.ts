import { type Conn, NetError } from '@sluice/net'
import type { Clock } from '@sluice/ratelimit'

export interface MuxOptions {
  /** The carrier, past the login. The mux owns it from now on. */
  readonly conn: Conn
  /** Of yamux only: who has the odd ids, as the client program of the bridge does. */
  readonly isOpener?: boolean
  /** The other side opened one; left out, such streams are refused. */
  readonly onStream?: (stream: Conn) => void
  /** Once; all streams are closed by then. Without an error where either side closed it in good order. */
  readonly onClose: (error: Error | undefined) => void
  /** Of both sides together. @default 4096 */
  readonly maxStreams?: number
  /** @default a third of `deadMs` */
  readonly pingMs?: number
  /** So long without a byte from the peer is its end. @default 15000 */
  readonly deadMs?: number
  readonly clock?: Clock
}

/** Many conns over one. */
export interface Mux {
  /** Open ones. */
  readonly streams: number
  /** As last measured; 0: not yet. */
  readonly rttMs: number
  readonly closed: boolean
  /** Ends it and all of its streams. @param error what the streams and `onClose` are told; the peer is not */
  close(error?: Error): void
}

/** Whole messages over one stream of a mux. Those that find no room are dropped. */
export interface MessageStream {
  /** @returns whether it was taken; `message` may be used again at once */
  send(message: Uint8Array): boolean
  /** `message` may be used until this returns. */
  onMessage: (message: Uint8Array) => void
  /** Once, whoever ended it; not after `close`. */
  onClose: (error: Error | undefined) => void
  close(): void
  /** What goes in front of the first message, such as the head of the stream. @returns as `send` */
  sendRaw(bytes: Uint8Array): boolean
}

/** Reasons of resets that the mux gives by itself; those below are free. */
export const RESET_REASON = { OVERLOAD: 997, REFUSED: 998, STREAM_LIMIT: 999 } as const

/** The peer has reset one stream. */
export class StreamReset extends NetError {
  /** 0 to 999, as {@link Conn.reset} had it there. */
  readonly reason: number

  constructor(reason: number) {
    super('TARGET_RESET', `the peer reset the stream for reason ${reason}`)
    this.reason = reason
  }
}

/** What all streams of one mux may have waiting to be read; the fullest is reset where it is more. */
export const READ_BUDGET: number = 64 * 1024 * 1024
