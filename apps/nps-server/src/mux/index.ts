export { type MessageStream, type Mux, type MuxOptions, RESET_REASON, StreamReset } from './mux.ts'
export { YamuxMux } from './yamux-mux.ts'
export { NpcMux, type NpcMuxOptions } from './npc-mux.ts'
export type { NpcMessages } from './npc-messages.ts'
