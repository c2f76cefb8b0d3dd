import { joined, u32 } from './block.ts'

/** Octets of payload in one frame; both sides break off the mux at more. */
export const MAX_NPC_SEGMENT = 4085

/** First octet of a frame. */
export const NPC_FLAG = {
  PING: 0,
  OPENED: 1,
  REFUSED: 2,
  DATA: 3,
  DATA_PART: 4,
  WINDOW: 5,
  OPEN: 6,
  CLOSE: 7,
  PONG: 8,
} as const

/** One frame. Ids of streams are positive and fit into 31 bits; the opener chooses them. */
export type NpcFrame =
  /** `opaque` has 1 to 4085 octets and comes back in a pong. */
  | { readonly type: 'ping' | 'pong'; readonly opaque: Uint8Array }
  /** A segment of 1 to 4085 octets; `isEnd` when the message ends with it. */
  | { readonly type: 'data'; readonly id: number; readonly payload: Uint8Array; readonly isEnd: boolean }
  /** `read` octets were taken since the last one; `max` may be outstanding. Each has 31 bits. */
  | { readonly type: 'window'; readonly id: number; readonly read: number; readonly max: number }
  /** `close` ends both directions; what was sent in front of it still counts. */
  | { readonly type: 'open' | 'opened' | 'refused' | 'close'; readonly id: number }

/** A message needs `writeNpcMessage` once it is more than one segment. */
export function encodeNpcFrame(frame: NpcFrame): Uint8Array {
  switch (frame.type) {
    case 'ping':
      return withPayload(NPC_FLAG.PING, -1, frame.opaque)
    case 'pong':
      return withPayload(NPC_FLAG.PONG, -1, frame.opaque)
    case 'data':
      return withPayload(frame.isEnd ? NPC_FLAG.DATA : NPC_FLAG.DATA_PART, frame.id, frame.payload)
    case 'window':
      return joined(Uint8Array.of(NPC_FLAG.WINDOW), u32(frame.id), u32(frame.read), u32(frame.max))
    case 'open':
    case 'opened':
    case 'refused':
    case 'close':
    default:
      return joined(Uint8Array.of(BARE[frame.type]), u32(frame.id))
  }
}

/** What `writeNpcMessage` needs for a message of `size` octets. */
export function npcMessageRoom(size: number): number {
  return size + Math.ceil(size / MAX_NPC_SEGMENT) * SEGMENT_HEAD
}

/**
 * Writes a message of one stream as frames of at most {@link MAX_NPC_SEGMENT} octets; of an empty one, which would break off the
 * mux, nothing.
 * @param out with {@link npcMessageRoom} octets from `at` on
 * @returns the index behind the last frame
 */
export function writeNpcMessage(id: number, message: Uint8Array, out: Uint8Array, at: number): number {
  let to = at
  for (let from = 0; from < message.length; from += MAX_NPC_SEGMENT) {
    const end = Math.min(message.length, from + MAX_NPC_SEGMENT)
    const flag = end === message.length ? NPC_FLAG.DATA : NPC_FLAG.DATA_PART
    writeSegmentHead(out, to, flag, id, end - from)
    out.set(message.subarray(from, end), to + SEGMENT_HEAD)
    to += SEGMENT_HEAD + end - from
  }
  return to
}

const SEGMENT_HEAD = 7

const BARE = {
  open: NPC_FLAG.OPEN,
  opened: NPC_FLAG.OPENED,
  refused: NPC_FLAG.REFUSED,
  close: NPC_FLAG.CLOSE,
} as const

function withPayload(flag: number, id: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(SEGMENT_HEAD + payload.length)
  writeSegmentHead(frame, 0, flag, id, payload.length)
  frame.set(payload, SEGMENT_HEAD)
  return frame
}

function writeSegmentHead(out: Uint8Array, at: number, flag: number, id: number, size: number): void {
  out[at] = flag
  out[at + 1] = id
  out[at + 2] = id >> 8
  out[at + 3] = id >> 16
  out[at + 4] = id >> 24
  out[at + 5] = size
  out[at + 6] = size >> 8
}
