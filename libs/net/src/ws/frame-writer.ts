import type { Conn } from '../conn.ts'
import { SocketConn } from '../socket-conn.ts'
import { encodeCloseCode } from './close-code.ts'
import { frame, frameHead, MAX_MESSAGE, OPCODE } from './frame.ts'
import { nextMask } from './mask-source.ts'

/** Up to here a copy costs less than a second chunk to write. */
const COPIED = 2048

/** Writes messages to a conn. */
export class FrameWriter {
  readonly #base: Conn
  readonly #socket: SocketConn | undefined
  readonly #isClient: boolean

  constructor(base: Conn, isClient: boolean) {
    this.#base = base
    this.#socket = base instanceof SocketConn ? base : undefined
    this.#isClient = isClient
  }

  /** As {@link Conn.write}; `chunk` becomes as many messages as it takes. */
  write(chunk: Uint8Array): boolean {
    const isWhole = chunk.length <= MAX_MESSAGE
    let wentOut = true
    for (let at = 0; at < chunk.length; at += MAX_MESSAGE) {
      wentOut = this.#message(isWhole ? chunk : chunk.subarray(at, at + MAX_MESSAGE))
    }
    return wentOut
  }

  /** A whole frame, with a copy of the payload. */
  frame(opcode: number, payload: Uint8Array): Uint8Array {
    return frame(opcode, payload, this.#isClient ? nextMask() : undefined)
  }

  close(code: number): Uint8Array {
    return this.frame(OPCODE.CLOSE, encodeCloseCode(code))
  }

  #message(piece: Uint8Array): boolean {
    if (this.#isClient || piece.length <= COPIED) return this.#base.write(this.frame(OPCODE.BINARY, piece))
    const head = frameHead(OPCODE.BINARY, piece.length)
    if (this.#socket !== undefined) return this.#socket.writePair(head, piece)
    this.#base.write(head)
    return this.#base.write(piece)
  }
}
