import { type Lab, measure } from '../lab.ts'
import { microsocks } from '../peers/microsocks.ts'
import { nginx } from '../peers/nginx.ts'
import type { Peer } from '../peers/peer.ts'
import { pipe } from '../peers/pipe.ts'
import { sluice } from '../peers/sluice.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Section } from './section.ts'

const PAIRS = 5_000

async function kibPerPair(lab: Lab, peer: Peer): Promise<number> {
  const warm = { op: 'idle', conns: 100, hold: 0.5 } as const
  const result = await measure(lab, peer, { op: 'idle', conns: PAIRS, hold: 3, ramp: 200 }, { warm })
  return result.rssGrowthBytes / 1024 / PAIRS
}

export const idle: Section = {
  project: 'remote-proxy',
  title: `Idle connection pairs: KiB of resident memory each, over ${PAIRS.toLocaleString('en')}`,
  about: `Growth of the server's resident memory from before the first to 3 s after the last pair, each having carried one
byte, after 100 pairs that came and went. Peers for information.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'idle',
      label: 'idle pair',
      peers: [sluice, microsocks, pipe, nginx],
      targets: { atMost: 16 },
      sample: kibPerPair,
    }),
  ],
}
