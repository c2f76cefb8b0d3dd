export { type RelayConfig, schema } from './config.ts'
export { DOORS, openDoor, type OpenRelay } from './door.ts'
export { type ListenUrl, listenUrls } from './listen-url.ts'
export { peerLines, type PeerLinesOptions } from './peer-lines.ts'
