/** Of a header, in front of each frame. */
export const YAMUX_HEADER_BYTES = 12

/** Second octet of a header. */
export const YAMUX_TYPE = { DATA: 0, WINDOW: 1, PING: 2, GO_AWAY: 3 } as const

/** Of frames of type data and window; a ping has SYN, its answer ACK. */
export const YAMUX_FLAG = { SYN: 1, ACK: 2, FIN: 4, RST: 8 } as const

/** Why a session ends. */
export const YAMUX_GO_AWAY = { NORMAL: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2 } as const

/**
 * One frame of yamux, https://github.com/hashicorp/yamux/blob/master/spec.md.
 *  +---------+------+-------+----------+--------+
 *  | Version | Type | Flags | StreamID | Length |
 *  |  1 (0)  |  1   |   2   |    4     |   4    |  network byte order
 *  +---------+------+-------+----------+--------+
 * Ids are 1 to 2^32 - 1: odd ones of the client, even ones of the server.
 */
export type YamuxFrame =
  | { readonly type: 'data'; readonly flags: number; readonly id: number; readonly payload: Uint8Array }
  /** Where the flags have RST, `delta` says why instead: see `YamuxStream`. */
  | { readonly type: 'window'; readonly flags: number; readonly id: number; readonly delta: number }
  | { readonly type: 'ping' | 'pong'; readonly opaque: number }
  | { readonly type: 'goAway'; readonly code: number }

export function encodeYamuxFrame(frame: YamuxFrame): Uint8Array {
  const payload = frame.type === 'data' ? frame.payload : NOTHING
  const out = new Uint8Array(YAMUX_HEADER_BYTES + payload.length)
  out.set(payload, writeHeaderOf(frame, out))
  return out
}

/** @returns the index behind it, where the payload of a data frame goes */
export function writeYamuxHeader(
  out: Uint8Array,
  at: number,
  type: number,
  flags: number,
  id: number,
  length: number,
): number {
  out[at] = 0
  out[at + 1] = type
  out[at + 2] = flags >> 8
  out[at + 3] = flags
  writeU32(out, at + 4, id)
  writeU32(out, at + 8, length)
  return at + YAMUX_HEADER_BYTES
}

function writeHeaderOf(frame: YamuxFrame, out: Uint8Array): number {
  switch (frame.type) {
    case 'data':
      return writeYamuxHeader(out, 0, YAMUX_TYPE.DATA, frame.flags, frame.id, frame.payload.length)
    case 'window':
      return writeYamuxHeader(out, 0, YAMUX_TYPE.WINDOW, frame.flags, frame.id, frame.delta)
    case 'ping':
      return writeYamuxHeader(out, 0, YAMUX_TYPE.PING, YAMUX_FLAG.SYN, 0, frame.opaque)
    case 'pong':
      return writeYamuxHeader(out, 0, YAMUX_TYPE.PING, YAMUX_FLAG.ACK, 0, frame.opaque)
    case 'goAway':
    default:
      return writeYamuxHeader(out, 0, YAMUX_TYPE.GO_AWAY, 0, 0, frame.code)
  }
}

function writeU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}

const NOTHING = new Uint8Array()
