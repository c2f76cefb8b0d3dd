import { type Conn, keyingMaterial, NetError, Reader } from '@sluice/net'
import { WebSocketError } from '@sluice/net/ws'
import { WireError } from '@sluice/wire'
import {
  encodeRelayFrame,
  EXPORTER_LABEL,
  MAX_BODY,
  type RelayFrame,
  relayFrameDecoder,
  type RelayStatus,
  relayStatusName,
} from '@sluice/wire/relay'
import type { FramePort } from '../peer/frame-port.ts'
import { PeerError } from '../peer/peer-error.ts'

const HEAD_BYTES = 4
const BINDING_BYTES = 32
/** A close code says so much more than the status. */
const STATUS_BASE = 4000
const STATUS_END = 4256
const decode = relayFrameDecoder(MAX_BODY.AFTER_AUTH)

/** Frames over a conn to a relay, until it becomes a circuit: then `reader` has what comes next. */
export class ConnPort implements FramePort {
  readonly binding: Uint8Array | undefined
  readonly reader: Reader
  #failure: Error | undefined = undefined

  /** @param conn past the handshakes of its transport */
  constructor(conn: Conn) {
    this.binding = keyingMaterial(conn, EXPORTER_LABEL, BINDING_BYTES)
    this.reader = new Reader(conn, HEAD_BYTES + MAX_BODY.AFTER_AUTH)
  }

  send(frame: RelayFrame): void {
    if (this.#failure === undefined) this.reader.conn.write(encodeRelayFrame(frame))
  }

  async read(): Promise<RelayFrame> {
    try {
      return await this.reader.read(decode)
    } catch (error) {
      throw this.#failure ?? relayError(error)
    }
  }

  close(error: Error = new PeerError('PEER_CLOSED', 'this side has closed it')): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.reader.fail(error)
    this.reader.conn.destroy()
  }
}

const relayError = (cause: unknown): unknown => {
  if (cause instanceof WireError) return new PeerError('RELAY_PROTOCOL', cause.message, { cause })
  if (!(cause instanceof NetError)) return cause
  if (cause.code === 'HANDSHAKE_TOO_LONG') return new PeerError('RELAY_PROTOCOL', cause.message, { cause })
  const status = statusOfClose(cause)
  const why = status === undefined ? '' : `: ${relayStatusName(status)}`
  // What the reader says of an end is about clients in their handshake.
  const more = cause.code === 'CLIENT_CLOSED' ? {} : { cause }
  return new PeerError('RELAY_CLOSED', `the relay ended the connection${why}`, { ...more, status })
}

/** What the relay said of why it closed a WebSocket; TCP has no words for that. */
export const statusOfClose = (error: unknown): RelayStatus | undefined => {
  if (error instanceof WebSocketError) {
    const { closeCode } = error
    return closeCode >= STATUS_BASE && closeCode < STATUS_END ? closeCode - STATUS_BASE : undefined
  }
  return error instanceof Error && error.cause !== undefined ? statusOfClose(error.cause) : undefined
}
