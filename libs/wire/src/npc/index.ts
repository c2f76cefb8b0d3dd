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
