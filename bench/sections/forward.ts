import { type Lab, measure } from '../lab.ts'
import { tcpApart } from '../load.ts'
import { nginxHttp } from '../peers/nginx.ts'
import type { Peer } from '../peers/peer.ts'
import { forward as nodeHttp } from '../peers/pipe.ts'
import { sluiceHttp } from '../peers/sluice.ts'
import { squidHttp } from '../peers/squid.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Section } from './section.ts'

const CLIENTS = 64

async function cpuPerTenThousand(lab: Lab, peer: Peer): Promise<number> {
  const load = tcpApart({ op: 'get', conns: CLIENTS, secs: lab.secs ?? 5, warm: 3 })
  const result = await measure(lab, peer, load)
  return result.cpuSeconds / (result.exchanges.count / 10_000)
}

export const forward: Section = {
  project: 'remote-proxy',
  title: `Plain HTTP, ${CLIENTS} kept connections: CPU-seconds per 10,000 requests`,
  about: `GET in absolute form, one request after the other on each connection; the origin, a process of its own, answers with
1 KiB and keeps its connections. Every answer must be a 200 of that length. Ours checks a password with each request
and writes its log to a file. squid: no authentication, no cache, no log. node-http:
[a plain \`http.request\` forwarder](../bench/peers/forward-proxy.ts) on the same Node, which takes any password.
nginx-reverse is a reverse proxy with one worker that always asks the same origin, and no log.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'forward',
      label: 'GET, 1 KiB',
      peers: [sluiceHttp, squidHttp, nodeHttp, nginxHttp],
      targets: { ratioTo: { [squidHttp.name]: 0.9, [nodeHttp.name]: 0.5 } },
      sample: cpuPerTenThousand,
    }),
  ],
}
