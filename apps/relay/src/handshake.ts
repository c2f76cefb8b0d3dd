import { refuse, type Reader } from '@sluice/net'
import {
  codeOf,
  type ErrorCode,
  type Handshake,
  OUTCOMES,
  type ServedRequest,
  ServiceError,
} from '@sluice/service'
import { encodeRelayFrame, RELAY_STATUS, type RelayFrame } from '@sluice/wire/relay'
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

/** Lets a peer in, and finds out what for. Whoever cannot come in is told why in one frame. */
export const createHandshake =
  (parts: HandshakeParts): Handshake =>
  async (reader) => {
    const channel = await parts.open(reader)
    return letIn(channel, parts)
  }

const letIn = async (channel: Channel, parts: HandshakeParts): Promise<ServedRequest> => {
  let who: Who | undefined
  try {
    const { who: known, first }: LoggedIn = await login(channel, parts)
    who = known
    const request = requestOf(first ?? (await firstRequest(channel)), channel, who, parts)
    channel.reader.release()
    return request
  } catch (error) {
    const code = codeOf(error)
    parts.onRefused?.(code)
    await refuse(channel.conn, lastWords(code, who))
    throw error
  }
}

/** Who only wants to know whether the relay is there may ask that first. */
const firstRequest = async ({ reader, conn }: Channel): Promise<RelayFrame> => {
  for (;;) {
    const frame = await reader.read(readKnown)
    if (frame.type !== 'ping') return frame
    conn.write(encodeRelayFrame({ type: 'pong', opaque: frame.opaque }))
  }
}

/** @throws ServiceError MESSAGE_UNEXPECTED */
const requestOf = (
  frame: RelayFrame,
  { conn }: Channel,
  who: Who,
  { controls, circuits }: HandshakeParts,
): ServedRequest => {
  if (frame.type === 'reserve') return new ControlConn(controls, conn, who, frame)
  if (frame.type === 'connect') return new SourceConn(circuits, conn, who, frame)
  if (frame.type === 'accept') return new ArrivalConn(circuits, conn, who, frame)
  throw new ServiceError('MESSAGE_UNEXPECTED', `${frame.type} in the place of a request`)
}

const NOTHING = new Uint8Array(0)

const lastWords = (code: ErrorCode, who: Who | undefined): Uint8Array => {
  const status = statusOf(code)
  const { text } = OUTCOMES[code]
  if (status === RELAY_STATUS.PEER_RESET || who?.isSeed) return NOTHING
  return who === undefined ? unwelcome(status, text) : encodeRelayFrame({ type: 'notice', status, text })
}
