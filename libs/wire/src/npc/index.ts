export {
  decodeNpcHello,
  decodeNpcPurpose,
  decodeNpcVerdict,
  encodeNpcHello,
  encodeNpcPurpose,
  encodeNpcVerdict,
  MAX_NPC_VERSION_BYTES,
  NPC_CORE_VERSION,
  NPC_CORE_VERSION_MD5,
  type NpcHello,
  type NpcPurpose,
} from './handshake.ts'
export {
  decodeNpcReport,
  decodeNpcSignal,
  encodeNpcReport,
  encodeNpcSignal,
  MAX_MAIN_BYTES,
  type NpcReport,
  type NpcSignal,
} from './main-channel.ts'
export { decodeMd5Hex, MD5_HEX_BYTES } from './md5-hex.ts'
export { NpcMuxDecoder, type NpcMuxSink } from './mux-decoder.ts'
export {
  encodeNpcFrame,
  MAX_NPC_SEGMENT,
  NPC_FLAG,
  type NpcFrame,
  npcMessageRoom,
  writeNpcMessage,
} from './mux-frame.ts'
export {
  NPC_INITIAL_WINDOW,
  NPC_MAX_WINDOW,
  NPC_MIN_WINDOW,
  NPC_WINDOW_SLACK,
  type NpcAck,
  NpcReceiveWindow,
  NpcSendWindow,
} from './mux-window.ts'
