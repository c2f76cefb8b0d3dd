export { MAX_CHUNK } from './chunk-opener.ts'
export type { SsResponse } from './chunk-sealer.ts'
export { openDatagram, sealDatagram, type SsDatagram } from './datagram.ts'
export type { SsBody } from './datagram-body.ts'
export { decodeSsRequest } from './decode-request.ts'
export type { Opener, Sealer } from './direction.ts'
export { encodeSsRequest, type SsRequestParts } from './encode-request.ts'
export { hasIdentity, identityOf } from './identity.ts'
export { type SsKey, ssKey } from './key.ts'
export { isSecure, SS_METHOD_NAMES, type SsKind, type SsMethod, ssMethod } from './method.ts'
export { PacketReader, type SsPacket } from './packet.ts'
export { type SsPacketAnswer, SsPacketClient } from './packet-client.ts'
export type { PacketKeys, RandomBytes } from './packet-seal.ts'
export { SsPacketSession, type SsPacketSessionOptions } from './packet-session.ts'
export { PACKET_WINDOW, PacketWindow } from './packet-window.ts'
export { RecentSalts, type RecentSaltsOptions } from './recent-salts.ts'
export type { SsHeadOptions, SsRequest } from './request.ts'
export { ResponseOpener } from './response-opener.ts'
export { SaltFilter, type SaltFilterOptions } from './salt-filter.ts'
export { createSealer } from './sealer.ts'
export { identityKey, keyHash, sessionKey } from './session-key.ts'
export {
  SS_DOCUMENT_TYPE,
  ssDocument,
  type SsDocument,
  type SsDocumentEntry,
  type SsDocumentInput,
  type SsDocumentServer,
} from './ss-document.ts'
export { encodeSsUri, parseSsUri, type SsPlugin, type SsServer } from './ss-uri.ts'
export { trial, trialBytes } from './trial.ts'
