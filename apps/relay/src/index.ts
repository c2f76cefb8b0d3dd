export { type RelayConfig, schema } from './config.ts'
export { DOORS, openDoor, type OpenRelay } from './door.ts'
