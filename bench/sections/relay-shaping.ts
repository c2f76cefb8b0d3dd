import { type Lab, measure } from '../lab.ts'
import { relay } from '../load.ts'
import { sluiceRelay } from '../peers/relay.ts'
import { percent } from '../stats.ts'
import { type Section, defineCase } from './section.ts'

const CIRCUITS = 2000
const RATE = 50_000
const SECONDS = 20
const limited = sluiceRelay('tcp', ['--circuit-rate', String(RATE)])

interface Shares {
  /** Bytes over what the rate allows: of all, of the circuit with the least and the one with the most. */
  all: number
  least: number
  most: number
  jain: number
}

async function shape(lab: Lab): Promise<Shares> {
  const load = relay({ op: 'shape', conns: CIRCUITS, secs: lab.secs ?? SECONDS, warm: 5 })
  const { seconds, bytes, circuits, cpuSeconds, busy } = await measure(lab, limited, load)
  const allowed = RATE * seconds
  const { jain, least, most } = circuits
  const shares = { all: bytes / CIRCUITS / allowed, least: least / allowed, most: most / allowed, jain }
  lab.log(`  ${JSON.stringify({ ...shares, cpu: cpuSeconds / seconds, busy })}`)
  return shares
}

export const relayShaping: Section = {
  project: 'relay',
  title: 'Relay, many limited circuits: rate and fairness',
  about: `${CIRCUITS.toLocaleString('en')} circuits by TCP under \`--circuit-rate ${RATE}\`, each with more to send than it may, 128 KiB under way: 5 s of
warm-up, then one window of ${SECONDS} s. Share of the rate, of all, of the circuit that got the least and of the one that
got the most, and Jain's index over the circuits, all of payload where it arrives.`,
  header: ['Circuits', 'Rate each', 'All', 'Least', 'Most', 'Jain', 'Target'],
  cases: [
    defineCase<Shares>({
      key: 'relay/shaping',
      peers: [limited],
      measure: shape,
      lines: ({ all, least, most, jain }) => {
        const shares = [all, least, most].map((share) => percent(share, 2))
        const target = '99–101 % each, ≥ 0.99'
        const cells = [
          CIRCUITS.toLocaleString('en'),
          `${RATE / 1000} KB/s`,
          ...shares,
          jain.toFixed(4),
          target,
        ]
        return [{ cells, met: least >= 0.99 && most <= 1.01 && jain >= 0.99 }]
      },
    }),
  ],
}
