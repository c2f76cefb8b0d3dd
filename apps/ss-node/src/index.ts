export { schema, type SsNodeConfig } from './config.ts'
export { DOORS, type OpenDoor, openDoor } from './door.ts'
export { ssLocalLines } from './ss-local-lines.ts'
