import { type Lab, measure } from '../lab.ts'
import { danted } from '../peers/danted.ts'
import { nginx } from '../peers/nginx.ts'
import type { Peer } from '../peers/peer.ts'
import { pipe } from '../peers/pipe.ts'
import { sluice } from '../peers/sluice.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Section } from './section.ts'

const GIB = 2 ** 30
const PEERS = [sluice, danted, pipe, nginx]

async function cpuPerGib(lab: Lab, peer: Peer, op: 'down' | 'up'): Promise<number> {
  const result = await measure(lab, peer, { op, conns: 4, secs: lab.secs ?? 5, warm: 2 })
  return result.cpuSeconds / (result[op].bytes / GIB)
}

export const bulk: Section = {
  project: 'remote-proxy',
  title: 'Bulk transfer, 4 connections: CPU-seconds per GiB',
  about: `User and system time of all threads and processes of the server, for each GiB that reached the other end.
Ours asks for a password and writes its session log to a file. danted: no authentication, no log, defaults otherwise.
node-pipe: [a plain \`a.pipe(b)\` proxy](../bench/peers/pipe-proxy.ts) on the same Node. nginx-stream relays TCP without
any handshake, one worker, default buffers. Upload has no target and stands here for information.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'bulk/download',
      label: 'download',
      peers: PEERS,
      targets: { ratioTo: { [danted.name]: 0.55, [pipe.name]: 0.45, [nginx.name]: 0.65 } },
      sample: (lab, peer) => cpuPerGib(lab, peer, 'down'),
    }),
    compare({
      key: 'bulk/upload',
      label: 'upload',
      peers: PEERS,
      targets: {},
      sample: (lab, peer) => cpuPerGib(lab, peer, 'up'),
    }),
  ],
}
