import { type Conn, type Reader, refuse } from '@sluice/net'
import {
  codeOf,
  type ErrorCode,
  type Handshake,
  OUTCOMES,
  type ServedRequest,
  ServiceError,
} from '@sluice/service'
import type { Decode } from '@sluice/wire'
import { encodeRelayFrame, FRAME, RELAY_STATUS, type RelayFrame } from '@sluice/wire/relay'
import { ArrivalConn } from './arrival-conn.ts'
import type { Channel } from './channel.ts'
import type { CircuitDesk } from './circuit-desk.ts'
import { ControlConn } from './control-conn.ts'
import type { ControlDesk } from './control-desk.ts'
import { type LoggedIn, login, type LoginParts, readKnown, unwelcome } from './login.ts'
import { SourceConn } from './source-conn.ts'
import { statusOf } from './status-of.ts'
import type { Who } from './who.ts'

export interface HandshakeParts extends LoginParts {
  readonly controls: ControlDesk
  readonly circuits: CircuitDesk
  /** By which transport somebody comes. */
  readonly open: (reader: Reader) => Channel | Promise<Channel>
  /** Told of whom is not let in. */
  readonly onRefused?: (code: ErrorCode) => void
}

const NOTHING = new Uint8Array(0)
/** The first byte of TLS, RFC 8446 §5.1. */
const TLS_HANDSHAKE = 0x16
const RESERVE_BYTES = 4
/** Before a request: who does not read the answers would have us keep them all. */
const MAX_PINGS = 64

/** Lets a peer in, and finds out what for. Whoever cannot come in is told why in one frame. */
export const createHandshake =
  (parts: HandshakeParts): Handshake =>
  async (reader) => {
    if (parts.admission.isOut(reader.client.host)) await turnAway(reader, parts)
    const channel = await parts.open(reader)
    return letIn(channel, parts)
  }

/**
 * A handshake of TLS costs more than all that follows, too much for words that few read; who comes without TLS is told.
 * @throws ServiceError PEER_BANNED
 */
const turnAway = async (reader: Reader, { onRefused }: HandshakeParts): Promise<void> => {
  if ((await reader.peek()) !== TLS_HANDSHAKE) return
  onRefused?.('PEER_BANNED')
  throw new ServiceError('PEER_BANNED')
}

const letIn = async (channel: Channel, parts: HandshakeParts): Promise<ServedRequest> => {
  let who: Who | undefined
  try {
    const inside = await login(channel, parts)
    who = inside.who
    const request = await requestOf(channel, inside, parts)
    parts.admission.confirm?.(who)
    channel.reader.release()
    return request
  } catch (error) {
    const code = codeOf(error)
    parts.onRefused?.(code)
    await refuse(channel.conn, lastWords(code, who))
    throw error
  }
}

/** RESERVE is answered at once, so that one write can do for both where it is there already. */
const isReserve: Decode<boolean> = (bytes) => ({
  value: bytes.length >= RESERVE_BYTES && bytes[0] === FRAME.RESERVE,
  size: 0,
})

const requestOf = async (
  { reader, conn }: Channel,
  { who, first, welcome }: LoggedIn,
  parts: HandshakeParts,
): Promise<ServedRequest> => {
  if (first !== undefined) return servedBy(first, conn, who, parts)
  const isAlone = !(await reader.read(isReserve))
  if (isAlone) conn.write(welcome)
  const frame = await firstRequest(reader)
  return servedBy(frame, conn, who, parts, isAlone ? NOTHING : welcome)
}

/** Who only wants to know whether the relay is there may ask that first. @throws ServiceError MESSAGE_UNEXPECTED */
const firstRequest = async (reader: Reader): Promise<RelayFrame> => {
  for (let pings = 0; pings <= MAX_PINGS; pings++) {
    const frame = await reader.read(readKnown)
    if (frame.type !== 'ping') return frame
    if (pings < MAX_PINGS) reader.conn.write(encodeRelayFrame({ type: 'pong', opaque: frame.opaque }))
  }
  throw new ServiceError('MESSAGE_UNEXPECTED', `more than ${MAX_PINGS} pings before a request`)
}

/** @throws ServiceError MESSAGE_UNEXPECTED */
const servedBy = (
  frame: RelayFrame,
  conn: Conn,
  who: Who,
  { controls, circuits }: HandshakeParts,
  greeting: Uint8Array = NOTHING,
): ServedRequest => {
  if (frame.type === 'reserve') return new ControlConn(controls, { conn, peer: who, first: frame, greeting })
  if (frame.type === 'connect') return new SourceConn(circuits, conn, who, frame)
  if (frame.type === 'accept') return new ArrivalConn(circuits, conn, who, frame)
  throw new ServiceError('MESSAGE_UNEXPECTED', `${frame.type} in the place of a request`)
}

const lastWords = (code: ErrorCode, who: Who | undefined): Uint8Array => {
  const status = statusOf(code)
  const { text } = OUTCOMES[code]
  if (status === RELAY_STATUS.PEER_RESET || who?.isSeed) return NOTHING
  return who === undefined ? unwelcome(status, text) : encodeRelayFrame({ type: 'notice', status, text })
}
