import type { Decode } from '../decode.ts'
import * as npc from '../npc/index.ts'
import { hex } from './hex.ts'
import { decodeNpcFrame, decodeYamuxFrame } from './mux-frames.ts'
import * as vectors from './npc-vectors.ts'
import { decodeSnappyStream, snappyStreams } from './snappy-vectors.ts'
import { yamuxFrames } from './yamux-vectors.ts'

interface NpcCodec {
  readonly name: string
  readonly decode: Decode<unknown>
  readonly sample: readonly Uint8Array[]
}

/** Every decoder of bridges to existing clients. */
export const npcCodecs: readonly NpcCodec[] = [
  codec('npc hello', npc.decodeNpcHello, vectors.hellos),
  codec('npc md5', npc.decodeMd5Hex, vectors.md5s),
  codec('npc verdict', npc.decodeNpcVerdict, vectors.verdicts),
  codec('npc purpose', npc.decodeNpcPurpose, vectors.purposes),
  codec('npc signal', npc.decodeNpcSignal, vectors.signals),
  codec('npc report', npc.decodeNpcReport, vectors.reports),
  codec('npc link', npc.decodeNpcLink, vectors.links),
  codec('npc udp5', npc.decodeUdp5, vectors.udp5s),
  codec('npc meeting', npc.decodeNpcMeeting, vectors.meetings),
  codec('npc meeting point', npc.decodeNpcMeetingPoint, vectors.meetingPoints),
  codec('npc boolean', npc.decodeNpcBoolean, vectors.booleans),
  codec('npc key', npc.decodeNpcKey, vectors.keys),
  codec('npc status', npc.decodeNpcStatus, vectors.statuses),
  codec('npc conf request', npc.decodeNpcConfRequest, vectors.confRequests, [vectors.strangeClient]),
  codec('npc snappy', decodeSnappyStream, snappyStreams),
  codec('npc mux frame', decodeNpcFrame, vectors.npcFrames),
  codec('yamux frame', decodeYamuxFrame, yamuxFrames),
]

function codec<T>(
  name: string,
  decode: Decode<T>,
  known: vectors.Known<T>,
  more: readonly string[] = [],
): NpcCodec {
  return { name, decode, sample: [...known.map(([bytes]) => bytes), ...more].map(hex) }
}
