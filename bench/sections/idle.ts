import { type Lab, measure } from '../lab.ts'
import { tcpApart } from '../load.ts'
import { haproxy } from '../peers/haproxy.ts'
import { microsocks } from '../peers/microsocks.ts'
import { nginx } from '../peers/nginx.ts'
import type { Peer } from '../peers/peer.ts'
import { pipe } from '../peers/pipe.ts'
import { proxyChain } from '../peers/proxy-chain.ts'
import { sluice } from '../peers/sluice.ts'
import { squidConnect } from '../peers/squid.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Section } from './section.ts'

const TUNNELS = 9_000

async function kibPerTunnel(lab: Lab, peer: Peer): Promise<number> {
  const warm = tcpApart({ op: 'idle', conns: 100, hold: 0.5 })
  const load = tcpApart({ op: 'idle', conns: TUNNELS, hold: 3, ramp: 200 })
  const { growthBytes } = await measure(lab, peer, load, { warm })
  return growthBytes / 1024 / TUNNELS
}

export const idle: Section = {
  project: 'remote-proxy',
  title: `Idle tunnels: KiB of resident memory each, over ${TUNNELS.toLocaleString('en')}`,
  about: `Growth of the server's resident memory (PSS) from before the first to 3 s after the last tunnel, each having carried
one byte, after 100 tunnels that came and went. The origin is a process of its own. squid and proxy-chain speak CONNECT,
nginx-stream and haproxy have no handshake; the kernel's socket buffers are in nobody's figure.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'idle',
      label: 'idle tunnel',
      peers: [sluice, squidConnect, microsocks, proxyChain, pipe, nginx, haproxy],
      targets: { atMost: 16, ratioTo: { [squidConnect.name]: 0.5 } },
      sample: kibPerTunnel,
    }),
  ],
}
