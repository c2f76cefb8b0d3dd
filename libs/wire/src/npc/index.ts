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
export {
  MAX_NPS_FILE_CHARS,
  type NpsFile,
  type NpsFileError,
  readNpsClients,
  readNpsGlobal,
  readNpsHosts,
  readNpsTunnels,
} from './conf-file.ts'
export {
  decodeNpcBoolean,
  decodeNpcConfRequest,
  decodeNpcKey,
  decodeNpcStatus,
  encodeNpcBoolean,
  encodeNpcConfRequest,
  encodeNpcKey,
  encodeNpcStatus,
  NPC_KEY_BYTES,
  type NpcConfRequest,
} from './conf-session.ts'
export { decodeUdp5, encodeUdp5, MAX_NPC_DATAGRAM, NpcDatagrams } from './datagrams.ts'
export { type IniEntry, type IniProblem, MAX_INI_CHARS } from './ini.ts'
export type { PortRange } from './ini-values.ts'
export { MAX_NPC_JSON_BYTES } from './json-block.ts'
export {
  decodeNpcLink,
  encodeNpcLink,
  NPC_DIAL_TIMEOUT_MS,
  NPC_LINK_TYPES,
  type NpcLink,
  type NpcLinkType,
} from './link.ts'
export {
  type NpcCommon,
  type NpcConf,
  type NpcConfFile,
  type NpcConfHealth,
  type NpcConfHost,
  type NpcConfTunnel,
  type NpcConfVisitor,
  readNpcConf,
  readNpsAccounts,
} from './npc-conf.ts'
export { type NpsConf, type NpsConfFile, readNpsConf } from './nps-conf.ts'
export type {
  NpsAccounts,
  NpsClient,
  NpsClientConfig,
  NpsClientRef,
  NpsFlow,
  NpsGlobal,
  NpsHost,
  NpsTarget,
  NpsTunnel,
} from './records.ts'
export {
  decodeNpcMeeting,
  decodeNpcMeetingPoint,
  encodeNpcMeeting,
  encodeNpcMeetingAnswer,
  encodeNpcMeetingPoint,
  NPC_RENDEZVOUS_PORTS,
  type NpcMeeting,
  readNpcMeetingAnswer,
} from './rendezvous.ts'
export { decompressSnappy } from './snappy-block.ts'
export {
  MAX_SNAPPY_CHUNK,
  SNAPPY_STREAM_ID,
  SnappyDecoder,
  snappyRoom,
  writeSnappyChunks,
} from './snappy-frames.ts'
