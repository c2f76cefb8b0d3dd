import { type Lab, measure } from '../lab.ts'
import { tcp } from '../load.ts'
import { danted } from '../peers/danted.ts'
import { haproxy, haproxySplice } from '../peers/haproxy.ts'
import { nginx } from '../peers/nginx.ts'
import type { Peer } from '../peers/peer.ts'
import { pipe } from '../peers/pipe.ts'
import { proxyChain } from '../peers/proxy-chain.ts'
import { sluice, sluiceConnect } from '../peers/sluice.ts'
import { squidConnect } from '../peers/squid.ts'
import { threeproxyConnect, threeproxySocks } from '../peers/threeproxy.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Section } from './section.ts'

const GIB = 2 ** 30
const RELAYS = [nginx, haproxy, haproxySplice]
/** Those that are used as ours is, whatever they speak. */
const PROXIES = { [squidConnect.name]: 0.5, [proxyChain.name]: 0.4, [threeproxySocks.name]: 0.9 }

async function cpuPerGib(lab: Lab, peer: Peer, op: 'down' | 'up'): Promise<number> {
  const result = await measure(lab, peer, tcp({ op, conns: 4, secs: lab.secs ?? 5, warm: 2 }))
  return result.cpuSeconds / (result[op].bytes / GIB)
}

export const bulk: Section = {
  project: 'remote-proxy',
  title: 'Bulk transfer, 4 connections: CPU-seconds per GiB',
  about: `User and system time of all threads and processes of the server, for each GiB that reached the other end, by SOCKS5
and by CONNECT. Ours asks for a password and writes its session log to a file. danted and squid: no authentication, no
log, defaults otherwise. proxy-chain is the npm package, as its README has it, and node-pipe
[a plain \`a.pipe(b)\` proxy](../bench/peers/pipe-proxy.ts), both on the same Node. squid and proxy-chain speak CONNECT in
each table, 3proxy what ours does; Debian has no package of it, so it is missing where nobody built it. nginx-stream and
haproxy relay TCP without any handshake, one worker, default buffers; haproxy-splice leaves the bytes in the kernel,
in pipes of 1 MiB.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'bulk/download',
      label: 'SOCKS5 download',
      peers: [sluice, danted, squidConnect, proxyChain, threeproxySocks, pipe, ...RELAYS],
      targets: {
        ratioTo: { [danted.name]: 0.55, [pipe.name]: 0.45, [nginx.name]: 0.65, ...PROXIES },
      },
      sample: (lab, peer) => cpuPerGib(lab, peer, 'down'),
    }),
    compare({
      key: 'bulk/connect',
      label: 'CONNECT download',
      peers: [sluiceConnect, squidConnect, proxyChain, threeproxyConnect, ...RELAYS],
      targets: { ratioTo: PROXIES },
      sample: (lab, peer) => cpuPerGib(lab, peer, 'down'),
    }),
    compare({
      key: 'bulk/upload',
      label: 'SOCKS5 upload',
      peers: [sluice, danted, pipe, threeproxySocks, ...RELAYS],
      targets: { ratioTo: { [danted.name]: 1, [pipe.name]: 0.6 } },
      sample: (lab, peer) => cpuPerGib(lab, peer, 'up'),
    }),
  ],
}
