import {
  type Goaway,
  RELAY_STATUS,
  type RelayFrame,
  type RelayStatus,
  relayStatusName,
} from '@sluice/wire/relay'
import { PeerError } from './peer-error.ts'

/** Frames to and from a relay. */
export interface FramePort {
  /** Keying material of the TLS below (RFC 5705, `EXPORTER_LABEL`), 32 octets; none without TLS, and in a browser. */
  readonly binding: Uint8Array | undefined
  /** Never throws: what cannot be sent any more is noticed by the next `read`. */
  send(frame: RelayFrame): void
  /** The next frame. One read at a time. @throws PeerError RELAY_CLOSED, RELAY_PROTOCOL, or what `close` was given */
  read(): Promise<RelayFrame>
  /** Ends the connection, and with `error` a read that is under way and all later ones. */
  close(error?: Error): void
}

type FrameOf<T extends RelayFrame['type']> = Extract<RelayFrame, { readonly type: T }>

/**
 * The next frame that is of one of these types. Pings are answered, notices passed over.
 * @throws PeerError RELAY_GOAWAY; RELAY_PROTOCOL for any other frame; what `port.read` throws
 */
export const answerOf = async <T extends RelayFrame['type']>(
  port: FramePort,
  ...types: readonly T[]
): Promise<FrameOf<T>> => {
  for (;;) {
    const frame = await port.read()
    if ((types as readonly string[]).includes(frame.type)) return frame as FrameOf<T>
    if (frame.type === 'goaway') throw sentAway(frame)
    if (frame.type === 'ping') port.send({ type: 'pong', opaque: frame.opaque })
    else if (frame.type !== 'notice') throw unexpected(frame)
  }
}

export const sentAway = ({ status, reconnectAfterMs, address }: Goaway): PeerError =>
  new PeerError('RELAY_GOAWAY', `the relay ends this session: ${relayStatusName(status)}${hintOf(status)}`, {
    status,
    address,
    retryAfter: Math.ceil(reconnectAfterMs / 1000),
  })

const hintOf = (status: RelayStatus): string =>
  status === RELAY_STATUS.REPLACED ? ', another process with the same key has its place now' : ''

export const unexpected = ({ type }: RelayFrame): PeerError =>
  new PeerError('RELAY_PROTOCOL', `the relay sent a frame that has no place here: ${type}`)
