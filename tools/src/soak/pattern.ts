import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** A prime, so that no buffer of the way has its length. */
const PERIOD = 65_521
const PIECE = 64 * 1000
const block = randomBytes(PERIOD)
const endless = Buffer.concat([block, block])

/** The bytes that every transfer has from `offset` on; at most 64 kB. */
const patternAt = (offset: number, length: number): Buffer =>
  endless.subarray(offset % PERIOD, (offset % PERIOD) + length)

/** Writes the first `bytes` of the pattern, as fast as they are taken. Gives up where the socket breaks. */
export async function pour(socket: Writable, bytes: number, onPiece: (bytes: number) => void): Promise<void> {
  for (let offset = 0; offset < bytes && !socket.destroyed; offset += PIECE) {
    const piece = patternAt(offset, Math.min(PIECE, bytes - offset))
    onPiece(piece.length)
    if (!socket.write(piece)) await drained(socket)
  }
}

async function drained(socket: Writable): Promise<void> {
  const over = new AbortController()
  const closed = (): void => over.abort()
  socket.once('close', closed)
  try {
    if (!socket.destroyed) await once(socket, 'drain', { signal: over.signal })
  } catch {
    // Closed: whoever pours looks for that.
  } finally {
    socket.off('close', closed)
  }
}

/** Whether `chunk` is what the pattern has at `offset`. */
export function isPattern(chunk: Buffer, offset: number): boolean {
  for (let at = 0; at < chunk.length; at += PERIOD) {
    const part = chunk.subarray(at, at + PERIOD)
    if (!part.equals(patternAt(offset + at, part.length))) return false
  }
  return true
}
