import { type Lab, chosen, interleave } from '../lab.ts'
import type { Peer } from '../peers/peer.ts'
import { median } from '../stats.ts'
import { type Case, type Line, defineCase } from './section.ts'

/** What ours must reach: at most so much, or at most so many times a peer's median of the same run. */
export interface Targets {
  atMost?: number
  ratioTo?: Record<string, number>
}

/** Samples of every peer by name, one a round. Ours is the first. */
export type Samples<T = number> = Record<string, T[]>

export const COMPARISON_HEADER: readonly string[] = [
  'Case',
  'Program',
  'Median',
  'Min – max',
  'Ours ÷ it',
  'Target',
]

const show = (value: number): string => value.toFixed(3)

/** A case that measures several programs in turns and compares medians. */
export function compare(parts: {
  key: string
  label: string
  peers: readonly Peer[]
  targets: Targets
  sample: (lab: Lab, peer: Peer) => Promise<number>
}): Case {
  const { key, label, peers, targets, sample } = parts
  return defineCase<Samples>({
    key,
    peers,
    measure: (lab) => interleave(lab, chosen(lab, peers), (peer) => sample(lab, peer), show),
    lines: (samples) => linesOf(label, samples, targets),
  })
}

/** The same for samples that hold several figures; `figures` are their labels, each with its targets. */
export function compareFigures<Figure extends string>(parts: {
  key: string
  figures: Record<Figure, Targets>
  peers: readonly Peer[]
  sample: (lab: Lab, peer: Peer) => Promise<Record<Figure, number>>
}): Case {
  const { key, figures, peers, sample } = parts
  const showAll = (value: Record<Figure, number>): string => JSON.stringify(value)
  return defineCase<Samples<Record<Figure, number>>>({
    key,
    peers,
    measure: (lab) => interleave(lab, chosen(lab, peers), (peer) => sample(lab, peer), showAll),
    lines: (samples) =>
      (Object.keys(figures) as Figure[]).flatMap((figure) => {
        const pick = (values: Record<Figure, number>[]): number[] => values.map((value) => value[figure])
        const picked = Object.entries(samples).map(([name, values]) => [name, pick(values)])
        return linesOf(figure, Object.fromEntries(picked), figures[figure])
      }),
  })
}

const OURS = 'sluice'

const linesOf = (label: string, samples: Samples, targets: Targets): Line[] =>
  Object.keys(samples).map((name) => line(label, name, samples, targets))

function line(label: string, name: string, samples: Samples, targets: Targets): Line {
  const values = samples[name] ?? []
  const middle = median(values)
  const ours = median(samples[OURS] ?? [])
  const isOurs = name === OURS
  const ratio = ours / middle
  const atMost = isOurs ? targets.atMost : targets.ratioTo?.[name]
  const cells = [
    label,
    name,
    middle.toFixed(3),
    `${Math.min(...values).toFixed(3)} – ${Math.max(...values).toFixed(3)}`,
    isOurs || Number.isNaN(ratio) ? '' : `${ratio.toFixed(2)}x`,
    atMost === undefined ? '' : `≤ ${atMost}${isOurs ? '' : 'x'}`,
  ]
  const reached = isOurs ? middle : ratio
  return { cells, met: atMost === undefined || Number.isNaN(reached) ? undefined : reached <= atMost }
}
