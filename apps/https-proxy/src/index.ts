export { type HttpsProxyConfig, schema } from './config.ts'
export { DOORS, type OpenDoor, openDoor, type OpenOptions } from './door.ts'
export { curlLines, getLine } from './link.ts'
