import { type Lab, measure } from '../lab.ts'
import { tcp } from '../load.ts'
import { npsServer } from '../peers/nps-server.ts'
import { percent } from '../stats.ts'
import { type Case, type Section, defineCase } from './section.ts'

interface Cell {
  label: string
  /** Bytes per second. */
  rate: number
  /** How far from it the share may be. */
  within: number
}

const CELLS: readonly Cell[] = [
  { label: '1KiB', rate: 1024, within: 0.01 },
  { label: '10KiB', rate: 10_240, within: 0.01 },
  { label: '1000KiB', rate: 1_024_000, within: 0.01 },
  { label: '100MB', rate: 100_000_000, within: 0.02 },
]
const DIRECTIONS = ['down', 'up'] as const
type Direction = (typeof DIRECTIONS)[number]
const SECONDS = 60
/** Small send buffers: what a shaper holds back must wait in its queue, not in megabytes of kernel memory. */
const SEND_BUFFER = 65_536

const limited = (rate: number, direction: Direction): ReturnType<typeof npsServer> =>
  npsServer('tcp', { limits: { [direction]: rate } })

async function shareOf(lab: Lab, { rate }: Cell, op: Direction): Promise<number> {
  const secs = lab.secs ?? SECONDS
  const load = tcp({ op, conns: 1, secs, warm: 5, osnd: SEND_BUFFER, csnd: SEND_BUFFER })
  const result = await measure(lab, limited(rate, op), load)
  const share = result[op].bytes / secs / rate
  lab.log(`  ${percent(share, 2)}`)
  return share
}

const cellCase = (cell: Cell, direction: Direction): Case =>
  defineCase<number>({
    key: `tunnels/shaping/${cell.label}/${direction}`,
    peers: [limited(cell.rate, direction)],
    measure: (lab) => shareOf(lab, cell, direction),
    lines: (share) => {
      const target = `${100 * (1 - cell.within)}–${100 * (1 + cell.within)} %`
      const cells = [`${cell.label}/s`, direction, percent(share, 2), target]
      return [{ cells, met: Math.abs(share - 1) <= cell.within }]
    },
  })

export const tunnelShaping: Section = {
  project: 'nps-server',
  title: 'Tunnels, one limited: share of the rate',
  about: `A tcp tunnel with a limit, one visitor, and more to send than may pass: 5 s of warm-up, in which the burst is spent, then one
window of ${SECONDS} s, of payload where it arrives.`,
  header: ['Rate', 'Direction', 'Of the rate', 'Target'],
  cases: CELLS.flatMap((cell) => DIRECTIONS.map((direction) => cellCase(cell, direction))),
}
