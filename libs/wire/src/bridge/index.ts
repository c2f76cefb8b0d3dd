export { DATAGRAM_HEAD_BYTES, MAX_STREAM_DATAGRAM, StreamDatagrams, writeDatagramHead } from './datagrams.ts'
export {
  BRIDGE_ALPN,
  BRIDGE_EXPORTER_LABEL,
  BRIDGE_KEYING_BYTES,
  BRIDGE_VERDICT,
  BRIDGE_VERSION,
  type BridgeChallenge,
  type BridgeInfo,
  type BridgeLogin,
  type BridgeRefusal,
  type BridgeTerms,
  type BridgeVerdict,
  clientTranscript,
  decodeBridgeChallenge,
  decodeBridgeLogin,
  decodeBridgeVerdict,
  encodeBridgeChallenge,
  encodeBridgeLogin,
  encodeBridgeVerdict,
  MAX_BRIDGE_JSON_BYTES,
  readBridgeInfo,
  readBridgeRefusal,
  readBridgeTerms,
  serverTranscript,
} from './login.ts'
export {
  decodeStreamHeader,
  encodeStreamHeader,
  MAX_STREAM_HEADER_BYTES,
  type StreamHeader,
  type StreamProxyHeader,
} from './stream-header.ts'
export { STREAM_STATUS, type StreamStatusName, streamStatusName, streamStatusOf } from './stream-status.ts'
