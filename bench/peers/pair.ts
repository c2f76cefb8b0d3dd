import type { Peer } from './peer.ts'
import { scriptPeer } from './script.ts'
import { buildApp } from './sluice.ts'

/** Our loop between two accepted sockets, and nothing else. */
export const rawLoop: Peer = {
  ...scriptPeer({ name: 'raw-loop', mode: 'pair-tcp', script: 'pair-relay.ts' }),
  check: () => buildApp('net'),
}

/** The `ws` package, message by message. */
export const wsRelay: Peer = scriptPeer({ name: 'ws-relay', mode: 'pair-ws', script: 'ws-relay.ts' })
