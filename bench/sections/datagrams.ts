import { type Lab, measure } from '../lab.ts'
import { udp } from '../load.ts'
import { danted } from '../peers/danted.ts'
import { nginxUdp } from '../peers/nginx.ts'
import type { Peer } from '../peers/peer.ts'
import { sluice } from '../peers/sluice.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Section } from './section.ts'

const BYTES = 1_200
const ASSOCIATIONS = 8
/** Datagrams on their way in one association at most: few enough that no socket's queue overflows. */
const WINDOW = 8
/** Sent a second over all; slow enough for each of the programs. */
const RATE = 10_000
/** The server passes on each datagram and its echo. */
const PACKETS_PER_EXCHANGE = 2

async function cpuPerHundredThousand(lab: Lab, peer: Peer): Promise<number> {
  const load = { conns: ASSOCIATIONS, window: WINDOW, rate: RATE, msg: BYTES, secs: lab.secs ?? 5, warm: 2 }
  const result = await measure(lab, peer, udp(load))
  return result.cpuSeconds / ((result.exchanges.count * PACKETS_PER_EXCHANGE) / 100_000)
}

export const datagrams: Section = {
  project: 'remote-proxy',
  title: `UDP ASSOCIATE, ${BYTES.toLocaleString('en')} bytes: CPU-seconds per 100,000 packets`,
  about: `${ASSOCIATIONS} associations, ${RATE.toLocaleString('en')} datagrams a second over all of them, each sent back by the origin; a packet is one that the server
passes on, either way. An association has at most ${WINDOW} on their way, and not one may be lost. danted: no authentication,
no log. nginx-stream relays datagrams to the one origin, without SOCKS5.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'datagrams',
      label: 'UDP ASSOCIATE',
      peers: [sluice, danted, nginxUdp],
      targets: { ratioTo: { [danted.name]: 1.2 } },
      sample: cpuPerHundredThousand,
    }),
  ],
}
