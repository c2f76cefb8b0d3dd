import type { Peer } from './peer.ts'
import { scriptPeer } from './script.ts'

/** What most proxies written for Node do: `a.pipe(b)`. */
export const pipe: Peer = scriptPeer({ name: 'node-pipe', mode: 'socks5', script: 'pipe-proxy.ts' })

/** What most forwarders written for Node do: `http.request`, then `a.pipe(b)`. */
export const forward: Peer = scriptPeer({ name: 'node-http', mode: 'http', script: 'forward-proxy.ts' })
