import { type Lab, measure, shaped } from '../lab.ts'
import { tcp } from '../load.ts'
import { pipe } from '../peers/pipe.ts'
import { addUser, sluice } from '../peers/sluice.ts'
import { percent } from '../stats.ts'
import { type Case, type Line, type Section, defineCase } from './section.ts'

/** Bytes per second. */
const RATES = [64_000, 1_000_000, 10_000_000, 100_000_000]
const CONNS = [1, 10, 100, 1000]
const DIRECTIONS = ['down', 'up'] as const
/** Small send buffers: what a shaper holds back must wait in its queue, not in megabytes of kernel memory. */
const SEND_BUFFER = 65_536

export interface Cell {
  rate: number
  conns: number
  direction: (typeof DIRECTIONS)[number]
}

export interface Shaped {
  /** Received bytes in the window over what the rate allows. */
  share: number
  jain: number
  /** The fullest 100 ms over a tenth of the rate. */
  worst: number
}

interface Bounds {
  least: number
  worst: number
}

function boundsOf({ rate, conns }: Cell): Bounds {
  if (rate === 100_000_000 && conns === 1) return { least: 0.97, worst: 1.65 }
  return { least: 0.99, worst: rate === 64_000 ? 1.5 : 1.45 }
}

async function shape(lab: Lab, { rate, conns, direction }: Cell): Promise<Shaped> {
  const peer = shaped(lab, [pipe])
  const name = `limited-${rate}`
  const login =
    peer === sluice ? addUser(lab.dir, name, ['--up', String(rate), '--down', String(rate)]) : peer.login
  const secs = lab.secs ?? 20
  const buffers = { osnd: SEND_BUFFER, csnd: SEND_BUFFER }
  const load = { op: direction, conns, users: `${login}*${conns}`, secs, warm: 5, ramp: 50, ...buffers }
  const { bytes, jain, maxBucket } = (await measure(lab, peer, tcp(load)))[direction]
  const result = { share: bytes / secs / rate, jain, worst: maxBucket / (rate / 10) }
  lab.log(`  ${percent(result.share, 2)}, Jain ${jain.toFixed(4)}, worst 100 ms ${result.worst.toFixed(2)}x`)
  return result
}

function line(cell: Cell, { share, jain, worst }: Shaped): Line {
  const bounds = boundsOf(cell)
  const cells = [
    `${rateName(cell.rate)}/s`,
    String(cell.conns),
    cell.direction,
    percent(share, 2),
    jain.toFixed(4),
    `${worst.toFixed(2)}x`,
    `${bounds.least * 100}–101 %, ≥ 0.99, ≤ ${bounds.worst}x`,
  ]
  return { cells, met: share >= bounds.least && share <= 1.01 && jain >= 0.99 && worst <= bounds.worst }
}

function cellCase(cell: Cell): Case {
  return defineCase<Shaped>({
    key: `shaping/${rateName(cell.rate)}/${cell.conns}/${cell.direction}`,
    peers: [sluice],
    measure: (lab) => shape(lab, cell),
    lines: (result) => [line(cell, result)],
  })
}

export const rateName = (rate: number): string => (rate < 1e6 ? `${rate / 1e3}KB` : `${rate / 1e6}MB`)

const CELLS = RATES.flatMap((rate) =>
  CONNS.flatMap((conns) => DIRECTIONS.map((direction) => ({ rate, conns, direction }))),
)

export const shaping: Section = {
  project: 'remote-proxy',
  title: 'One limited user: rate, fairness, bursts',
  about: `A user with \`--up\` and \`--down\` at the rate, every connection with more to send than it may: 5 s of warm-up, then
one window of 20 s a cell. Share of the rate, Jain's index over the connections, and the fullest of the 200 intervals of
100 ms, all of payload where it arrives: at the client (down) or at the target (up). Both senders have
${SEND_BUFFER.toLocaleString('en')}-byte send buffers; the receivers read at once.`,
  header: ['Rate', 'Connections', 'Direction', 'Of the rate', 'Jain', 'Worst 100 ms', 'Target'],
  cases: CELLS.map(cellCase),
}
