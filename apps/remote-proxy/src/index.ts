export { type RemoteProxyConfig, schema } from './config.ts'
export { type OpenDoor, openDoor } from './door.ts'
export { curlLines } from './link.ts'
