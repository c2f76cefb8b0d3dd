import { type Lab, measure } from '../lab.ts'
import { tcp } from '../load.ts'
import { danted } from '../peers/danted.ts'
import { haproxy } from '../peers/haproxy.ts'
import { microsocks } from '../peers/microsocks.ts'
import { nginx } from '../peers/nginx.ts'
import type { Peer } from '../peers/peer.ts'
import { pipe } from '../peers/pipe.ts'
import { proxyChain } from '../peers/proxy-chain.ts'
import { sluice, sluiceConnect } from '../peers/sluice.ts'
import { squidConnect } from '../peers/squid.ts'
import { threeproxyConnect, threeproxySocks } from '../peers/threeproxy.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Section } from './section.ts'

const IN_FLIGHT = 32

async function cpuPerThousand(lab: Lab, peer: Peer): Promise<number> {
  const load = tcp({ op: 'rr', conns: IN_FLIGHT, secs: lab.secs ?? 5, warm: 3 })
  const result = await measure(lab, peer, load)
  return result.cpuSeconds / (result.exchanges.count / 1000)
}

export const connections: Section = {
  project: 'remote-proxy',
  title: 'New connections: CPU-seconds per 1,000',
  about: `SOCKS5 greeting, password, CONNECT, 64 bytes each way, close by the target; ${IN_FLIGHT} at a time. Ours writes its
session log to a file, microsocks its line a connection. danted checks no password here (its method is PAM or the
machine's own users) and writes no log, both in its favour; node-pipe takes any password and writes no log. proxy-chain
and squid speak CONNECT, one message each way where SOCKS5 has three; nginx-stream and haproxy have no handshake at all. The
second case is ours by CONNECT beside those that speak it, for information.
What holds it back is Node's sockets: node-pipe, which checks nothing, limits nothing and says nothing, costs 1.3x microsocks
by itself. Of ours, a fifth is the five writes, a seventh the connect, a fourteenth closing two sockets; none of our own
functions is above 2 %. Fewer microseconds would take fewer system calls, or sockets that are not node:net's.
The aim against microsocks is 1.1x.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'connections',
      label: 'SOCKS5, authenticated',
      peers: [sluice, microsocks, danted, proxyChain, squidConnect, threeproxySocks, pipe, nginx, haproxy],
      targets: { ratioTo: { [microsocks.name]: 1.2, [danted.name]: 0.5, [proxyChain.name]: 0.6 } },
      sample: cpuPerThousand,
    }),
    compare({
      key: 'connections/connect',
      label: 'CONNECT, authenticated',
      peers: [sluiceConnect, proxyChain, squidConnect, threeproxyConnect],
      targets: {},
      sample: cpuPerThousand,
    }),
  ],
}
