import { type Lab, measure } from '../lab.ts'
import { tcp } from '../load.ts'
import { danted } from '../peers/danted.ts'
import { haproxy } from '../peers/haproxy.ts'
import { microsocks } from '../peers/microsocks.ts'
import { nginx } from '../peers/nginx.ts'
import type { Peer } from '../peers/peer.ts'
import { pipe } from '../peers/pipe.ts'
import { sluice } from '../peers/sluice.ts'
import { threeproxySocks } from '../peers/threeproxy.ts'
import { COMPARISON_HEADER, compareFigures } from './comparison.ts'
import type { Section } from './section.ts'

async function p50AndP99(lab: Lab, peer: Peer): Promise<{ p50: number; p99: number }> {
  const load = tcp({ op: 'pp', conns: 1, secs: lab.secs ?? 5, warm: 2 })
  const { p50us, p99us } = (await measure(lab, peer, load)).exchanges
  return { p50: p50us, p99: p99us }
}

export const roundTrip: Section = {
  project: 'remote-proxy',
  title: 'Round trip of 64 bytes through one tunnel: microseconds',
  about: `One tunnel and nothing else on the server; the client sends 64 bytes, the origin sends them back, and the next 64
leave at once. Some 15 µs of it are the load generator's own.`,
  header: COMPARISON_HEADER,
  cases: [
    compareFigures({
      key: 'round-trip',
      figures: {
        p50: { ratioTo: { [microsocks.name]: 1.3 } },
        p99: { ratioTo: { [microsocks.name]: 1.5 } },
      },
      peers: [sluice, microsocks, danted, threeproxySocks, pipe, nginx, haproxy],
      sample: p50AndP99,
    }),
  ],
}
