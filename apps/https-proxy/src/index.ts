export { type HttpsProxyConfig, schema } from './config.ts'
export { DOORS, type OpenDoor, openDoor } from './door.ts'
export { curlLines } from './link.ts'
