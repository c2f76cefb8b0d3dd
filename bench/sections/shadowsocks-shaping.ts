import { type Lab, measure } from '../lab.ts'
import { shadowsocks, tcp } from '../load.ts'
import { bySsLocal } from '../peers/ss-local.ts'
import type { Peer } from '../peers/peer.ts'
import { ssNode } from '../peers/ss-node.ts'
import { percent } from '../stats.ts'
import { type Case, type Section, defineCase } from './section.ts'
import { type Cell, rateName, type Shaped } from './shaping.ts'

const METHOD = 'aes-256-gcm'
/** Bytes per second. */
const RATES = [1_000_000, 10_000_000]
const CONNS = [1, 10, 100]
const DIRECTIONS = ['down', 'up'] as const
const SECONDS = 8
/** Small send buffers: what a shaper holds back must wait in its queue, not in megabytes of kernel memory. */
const SEND_BUFFER = 65_536

const limited = (direction: Cell['direction'], rate: number): Peer =>
  ssNode(METHOD, { limits: [`--${direction}`, String(rate)] })

async function shape(lab: Lab, { rate, conns, direction }: Cell): Promise<Shaped> {
  const secs = lab.secs ?? SECONDS
  const load = { op: direction, conns, secs, warm: 3, ramp: 50, osnd: SEND_BUFFER, csnd: SEND_BUFFER }
  const { bytes, jain, maxBucket } = (await measure(lab, bySsLocal(limited(direction, rate)), tcp(load)))[
    direction
  ]
  return { share: bytes / secs / rate, jain, worst: maxBucket / (rate / 10) }
}

const tcpCase = (cell: Cell): Case =>
  defineCase<Shaped>({
    key: `shadowsocks/shaping/${rateName(cell.rate)}/${cell.conns}/${cell.direction}`,
    peers: [bySsLocal(limited(cell.direction, cell.rate))],
    measure: (lab) => shape(lab, cell),
    lines: ({ share, jain, worst }) => {
      const what = [`${rateName(cell.rate)}/s`, `${cell.conns} TCP`, cell.direction]
      const cells = [...what, percent(share, 2), jain.toFixed(4), `${worst.toFixed(2)}x`]
      const met = share >= 0.99 && share <= 1.01 && jain >= 0.99
      return [{ cells: [...cells, '99–101 %, ≥ 0.99'], met }]
    },
  })

const DATAGRAM_BYTES = 1000
const ASSOCIATIONS = 8
/** What is offered, in rates. */
const OFFERED = 1.3

async function shapeDatagrams(lab: Lab, direction: Cell['direction'], rate: number): Promise<number> {
  const secs = lab.secs ?? SECONDS
  const flow = { conns: ASSOCIATIONS, rate: (rate / DATAGRAM_BYTES) * OFFERED, msg: DATAGRAM_BYTES }
  const load = shadowsocks({ op: 'udp', ...flow, lossy: 1, secs, warm: 3 })
  const result = await measure(lab, limited(direction, rate), load)
  return (result.exchanges.count * DATAGRAM_BYTES) / secs / rate
}

const datagramCase = (direction: Cell['direction'], rate: number): Case =>
  defineCase<number>({
    key: `shadowsocks/shaping/${rateName(rate)}/udp/${direction}`,
    peers: [limited(direction, rate)],
    measure: (lab) => shapeDatagrams(lab, direction, rate),
    lines: (share) => {
      const cells = [`${rateName(rate)}/s`, `${ASSOCIATIONS} UDP`, direction, percent(share, 2), '', '']
      return [{ cells: [...cells, '98–102 %'], met: share >= 0.98 && share <= 1.02 }]
    },
  })

const CELLS = RATES.flatMap((rate) =>
  CONNS.flatMap((conns) => DIRECTIONS.map((direction) => ({ rate, conns, direction }))),
)

export const shadowsocksShaping: Section = {
  project: 'ss-node',
  title: 'Shadowsocks, one limited user: rate and fairness',
  about: `${METHOD}; a user with \`--up\` or \`--down\` at the rate. TCP goes through ss-local (shadowsocks-libev), each connection
with more to send than it may: 3 s of warm-up, then one window of ${SECONDS} s a cell. Share of the rate, Jain's index over the
connections, and the fullest 100 ms, all of payload where it arrives. Of UDP ${OFFERED} times the rate is offered, in datagrams
of ${DATAGRAM_BYTES.toLocaleString('en')} bytes, and the target sends each back: what arrives at the client is counted.`,
  header: ['Rate', 'Flows', 'Direction', 'Of the rate', 'Jain', 'Worst 100 ms', 'Target'],
  cases: [
    ...CELLS.map(tcpCase),
    ...RATES.flatMap((rate) => DIRECTIONS.map((direction) => datagramCase(direction, rate))),
  ],
}
