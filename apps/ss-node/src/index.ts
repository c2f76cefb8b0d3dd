export { schema, type SsNodeConfig } from './config.ts'
export { defaultsOf, DOORS, type OpenDoor, openNode } from './door.ts'
export { ssLocalLines } from './ss-local-lines.ts'
