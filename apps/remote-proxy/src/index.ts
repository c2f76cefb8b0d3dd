export { type RemoteProxyConfig, schema } from './config.ts'
export { type OpenDoor, openDoor } from './door.ts'
