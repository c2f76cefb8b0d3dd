export { type RelayConfig, schema } from './config.ts'
export { DOORS, openDoor, type OpenOptions, type OpenRelay } from './door.ts'
export type { ListenUrl } from './listen-url.ts'
export { MemoryPresence, type Place, type Presence } from './presence.ts'
