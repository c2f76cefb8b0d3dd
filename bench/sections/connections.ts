import { type Lab, measure } from '../lab.ts'
import { danted } from '../peers/danted.ts'
import { microsocks } from '../peers/microsocks.ts'
import type { Peer } from '../peers/peer.ts'
import { pipe } from '../peers/pipe.ts'
import { sluice } from '../peers/sluice.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Section } from './section.ts'

const IN_FLIGHT = 32

async function cpuPerThousand(lab: Lab, peer: Peer): Promise<number> {
  const load = { op: 'rr', conns: IN_FLIGHT, secs: lab.secs ?? 5, warm: 3 } as const
  const result = await measure(lab, peer, load)
  return result.cpuSeconds / (result.exchanges.count / 1000)
}

export const connections: Section = {
  project: 'remote-proxy',
  title: 'New connections: CPU-seconds per 1,000',
  about: `SOCKS5 greeting, password, CONNECT, 64 bytes each way, close by the target; ${IN_FLIGHT} at a time. Ours writes its
session log to a file, microsocks its line a connection. danted checks no password here (its method is PAM or the
machine's own users) and writes no log, both in its favour; node-pipe takes any password and writes no log. The aim
against microsocks is 1.1x.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'connections',
      label: 'authenticated',
      peers: [sluice, microsocks, danted, pipe],
      targets: { ratioTo: { [microsocks.name]: 1.25, [danted.name]: 0.5 } },
      sample: cpuPerThousand,
    }),
  ],
}
