import { type Conn, NetError, Reader } from '@sluice/net'
import { decodeStreamHeader, MAX_STREAM_HEADER_BYTES, type StreamHeader } from '@sluice/wire/bridge'

/** The head of a stream that the other side has opened; the stream is paused then. @throws NetError, WireError */
export const readStreamHeader = async (stream: Conn, deadlineMs: number): Promise<StreamHeader> => {
  const reader = new Reader(stream, MAX_STREAM_HEADER_BYTES + 3)
  const timer = setTimeout(
    () => reader.fail(new NetError('HANDSHAKE_TIMEOUT', 'a stream did not say in time what it is for')),
    deadlineMs,
  )
  try {
    return await reader.read(decodeStreamHeader)
  } finally {
    clearTimeout(timer)
    reader.release()
  }
}
