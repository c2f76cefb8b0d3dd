import { type Lab, measure } from '../lab.ts'
import { shadowsocks } from '../load.ts'
import type { Peer } from '../peers/peer.ts'
import { ssNode } from '../peers/ss-node.ts'
import { ssServer } from '../peers/ss-server.ts'
import { ssserver } from '../peers/ssserver.ts'
import { COMPARISON_HEADER, compare, type Targets } from './comparison.ts'
import type { Case, Section } from './section.ts'

const GIB = 2 ** 30
const AES = 'aes-256-gcm'
const CHACHA = 'chacha20-ietf-poly1305'
const AES_2022 = '2022-blake3-aes-256-gcm'
/** Ours, with the method of 2017. */
const OWN_2017 = 'sluice-2017'

const peersOf = (method: string): readonly Peer[] => [ssNode(method), ssServer(method), ssserver(method)]
const ofServer = (ratio: number): Targets => ({ ratioTo: { 'ss-server': ratio } })

async function cpuPerGib(lab: Lab, peer: Peer, op: 'down' | 'up'): Promise<number> {
  const result = await measure(lab, peer, shadowsocks({ op, conns: 4, secs: lab.secs ?? 3, warm: 1.5 }))
  return result.cpuSeconds / (result[op].bytes / GIB)
}

const bulkCase = (method: string, op: 'down' | 'up', ratio: number): Case =>
  compare({
    key: `shadowsocks/bulk/${method}/${op}`,
    label: `${method}, ${op === 'down' ? 'download' : 'upload'}`,
    peers: peersOf(method),
    targets: ofServer(ratio),
    sample: (lab, peer) => cpuPerGib(lab, peer, op),
  })

export const shadowsocksBulk: Section = {
  project: 'ss-node',
  title: 'Shadowsocks, bulk transfer, 4 connections: CPU-seconds per GiB',
  about: `User and system time of all threads of the server, for each GiB of payload, as the target counts it. Uploads come in
the longest chunks of the method. Ours has one user on a port, limits and a session log, which it writes to a file;
ss-server (shadowsocks-libev) and shadowsocks-rust run as they come, without limits. Debian has no package of
shadowsocks-rust, so it is missing where nobody built it. The aims are 0.8x and 0.9x for AES, 0.8x and 1.0x for ChaCha20.`,
  header: COMPARISON_HEADER,
  cases: [
    bulkCase(AES, 'down', 0.95),
    bulkCase(AES, 'up', 1),
    bulkCase(CHACHA, 'down', 0.9),
    bulkCase(CHACHA, 'up', 1.2),
  ],
}

const fastCase = (op: 'down' | 'up'): Case =>
  compare({
    key: `shadowsocks/2022/${op}`,
    label: op === 'down' ? 'download' : 'upload',
    peers: [ssNode(AES_2022), ssNode(AES, { name: OWN_2017 }), ssserver(AES_2022)],
    targets: { ratioTo: { [OWN_2017]: 0.9 } },
    sample: (lab, peer) => cpuPerGib(lab, peer, op),
  })

export const shadowsocksFast: Section = {
  project: 'ss-node',
  title: `Shadowsocks, ${AES_2022}, 4 connections: CPU-seconds per GiB`,
  about: `As above. ${OWN_2017} is ours with ${AES}, whose chunks are a quarter as long at most.`,
  header: COMPARISON_HEADER,
  cases: [fastCase('down'), fastCase('up')],
}

const IN_FLIGHT = 32

export const shadowsocksShort: Section = {
  project: 'ss-node',
  title: 'Shadowsocks, short connections: CPU-seconds per 1,000',
  about: `${AES}; 1 KiB each way, opened and compared, then the client closes; ${IN_FLIGHT} at a time. Ours writes a line of its session
log for each. The aim is 2.0x.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'shadowsocks/short',
      label: '1 KiB each way',
      peers: peersOf(AES),
      targets: ofServer(2.6),
      sample: async (lab, peer) => {
        const load = shadowsocks({ op: 'rr', conns: IN_FLIGHT, secs: lab.secs ?? 4, warm: 2 })
        const result = await measure(lab, peer, load)
        return result.cpuSeconds / (result.exchanges.count / 1000)
      },
    }),
  ],
}

const DATAGRAM_BYTES = 1024
const ASSOCIATIONS = 8
const RATE = 10_000
/** The server passes on each datagram and its echo. */
const PACKETS_PER_EXCHANGE = 2

export const shadowsocksUdp: Section = {
  project: 'ss-node',
  title: 'Shadowsocks over UDP, 1 KiB: CPU-seconds per 100,000 packets',
  about: `${AES}; ${ASSOCIATIONS} clients, ${RATE.toLocaleString('en')} datagrams a second over all of them, each sent back by the target; a packet is one that the
server passes on, either way, and not one may be lost. Each packet has a salt and with it a key of its own. The aim is 1.8x.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'shadowsocks/udp',
      label: 'UDP, 1 KiB',
      peers: peersOf(AES),
      targets: ofServer(2.3),
      sample: async (lab, peer) => {
        const load = { conns: ASSOCIATIONS, window: 8, rate: RATE, msg: DATAGRAM_BYTES, warm: 2 }
        const result = await measure(lab, peer, shadowsocks({ op: 'udp', secs: lab.secs ?? 4, ...load }))
        return result.cpuSeconds / ((result.exchanges.count * PACKETS_PER_EXCHANGE) / 100_000)
      },
    }),
  ],
}

const IDLE = 4000

export const shadowsocksIdle: Section = {
  project: 'ss-node',
  title: `Shadowsocks, idle connections: KiB of resident memory each, over ${IDLE.toLocaleString('en')}`,
  about: `${AES}; growth of the server's resident memory (PSS) from before the first to 3 s after the last connection, each having
carried 1 KiB each way, after 100 that came and went. The aim is 0.8x.`,
  header: COMPARISON_HEADER,
  cases: [
    compare({
      key: 'shadowsocks/idle',
      label: 'idle connection',
      peers: peersOf(AES),
      targets: ofServer(0.9),
      sample: async (lab, peer) => {
        const warm = shadowsocks({ op: 'idle', conns: 100, hold: 0.5 })
        const load = shadowsocks({ op: 'idle', conns: IDLE, hold: 3 })
        const { growthBytes } = await measure(lab, peer, load, { warm })
        return growthBytes / 1024 / IDLE
      },
    }),
  ],
}
