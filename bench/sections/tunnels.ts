import { type Lab, measure } from '../lab.ts'
import { tcp, tcpApart, udp } from '../load.ts'
import { frp } from '../peers/frp.ts'
import { nps } from '../peers/nps.ts'
import { npsServer } from '../peers/nps-server.ts'
import type { Peer } from '../peers/peer.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Case, Section } from './section.ts'

const GIB = 2 ** 30
const project = 'nps-server'
type Direction = 'down' | 'up'
const label = (op: Direction): string => (op === 'down' ? 'download' : 'upload')

async function cpuPerGib(lab: Lab, peer: Peer, op: Direction): Promise<number> {
  const result = await measure(lab, peer, tcp({ op, conns: 1, secs: lab.secs ?? 5, warm: 2 }))
  return result.cpuSeconds / (result[op].bytes / GIB)
}

const bulkCase = (op: Direction): Case =>
  compare({
    key: `tunnels/bulk/${op}`,
    label: label(op),
    peers: [npsServer('tcp'), frp('tcp')],
    targets: { ratioTo: { frp: 1 } },
    sample: (lab, peer) => cpuPerGib(lab, peer, op),
  })

export const tunnelBulk: Section = {
  project,
  title: 'Tunnels, bulk transfer through one: CPU-seconds per GiB, both ends',
  about: `User and system time of the server and of the client program, both on the one core, for each GiB of payload through one
visitor of a tcp tunnel. Ours encrypts between the two, counts, and writes its session log to a file; frp is frps and frpc as
they come.`,
  header: COMPARISON_HEADER,
  cases: [bulkCase('down'), bulkCase('up')],
}

const VISITORS = 200
/** What runs once for a connection or datagram is compiled late: with two seconds, that would be much of what is measured. */
const WARM_SECS = 10

export const tunnelShort: Section = {
  project,
  title: `Tunnels, ${VISITORS} short connections at a time: ms, the slowest of a hundred`,
  about: `From connect to an answer of 64 bytes through one tcp tunnel, after which the target closes and the next begins; server and
client share one core. Each program has done the same for ${WARM_SECS} seconds before.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'tunnels/short',
      label: 'p99, ms',
      peers: [npsServer('tcp'), frp('tcp')],
      targets: { ratioTo: { frp: 1.2 } },
      sample: async (lab, peer) => {
        const load = tcp({ op: 'rr', conns: VISITORS, secs: lab.secs ?? 5, warm: WARM_SECS })
        return (await measure(lab, peer, load)).exchanges.p99us / 1000
      },
    }),
  ],
}

const BYTES = 1_200
const DATAGRAM_VISITORS = 8
const RATE = 5_000
/** A datagram and its echo. */
const PACKETS_PER_EXCHANGE = 2

export const tunnelDatagrams: Section = {
  project,
  title: `Tunnels, UDP, ${BYTES.toLocaleString('en')} bytes: CPU-seconds per 100,000 packets, both ends`,
  about: `${DATAGRAM_VISITORS} visitors of one udp tunnel, ${RATE.toLocaleString('en')} datagrams a second over all of them, each sent back by the target; a packet is one that
passes the tunnel, either way. A visitor has at most 8 on their way, and not one may be lost. Each program has done the same for ${WARM_SECS} seconds before.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'tunnels/udp',
      label: 'UDP',
      peers: [npsServer('udp'), frp('udp')],
      targets: { ratioTo: { frp: 0.8 } },
      sample: async (lab, peer) => {
        const load = { conns: DATAGRAM_VISITORS, window: 8, rate: RATE, msg: BYTES, warm: WARM_SECS }
        const result = await measure(lab, peer, udp({ secs: lab.secs ?? 5, ...load }))
        return result.cpuSeconds / ((result.exchanges.count * PACKETS_PER_EXCHANGE) / 100_000)
      },
    }),
  ],
}

const KEPT = 32

export const tunnelHosts: Section = {
  project,
  title: `Tunnels, an HTTP host, ${KEPT} kept connections: CPU-seconds per 10,000 requests, both ends`,
  about: `GET by the host's name, one after the other on each connection; the target answers with 1 KiB. The aim is 0.8x of frp's
requests by each second of CPU time, or 1.25x of its time.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'tunnels/http',
      label: 'GET, 1 KiB',
      peers: [npsServer('http'), frp('http')],
      targets: { ratioTo: { frp: 1.25 } },
      sample: async (lab, peer) => {
        const load = tcpApart({ op: 'get', conns: KEPT, secs: lab.secs ?? 5, warm: 2 })
        const { cpuSeconds, exchanges } = await measure(lab, peer, load)
        return cpuSeconds / (exchanges.count / 10_000)
      },
    }),
  ],
}

const npcCase = (op: Direction): Case =>
  compare({
    key: `tunnels/npc/${op}`,
    label: label(op),
    peers: [npsServer('tcp', { client: 'npc' }), nps],
    targets: { ratioTo: { nps: 0.5 } },
    sample: async (lab, peer) => {
      const result = await measure(lab, peer, tcp({ op, conns: 1, secs: lab.secs ?? 5, warm: 2 }))
      return result.seconds / (result[op].bytes / GIB)
    },
  })

export const tunnelNpc: Section = {
  project,
  title: 'Tunnels by npc, bulk transfer through one: seconds per GiB',
  about: `Of the clock, not of CPU time: npc 0.26.10 brings a tcp tunnel to our server, and to nps 0.26.10, the server that it was made
for, whose own limit of 16 MiB/s a client is lifted. Server and npc run on both cores, of which the load has its share.`,
  header: COMPARISON_HEADER,
  cases: [npcCase('down'), npcCase('up')],
}
