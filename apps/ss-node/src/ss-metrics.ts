import type { DoorMetrics, Metrics, Observer } from '@sluice/metrics'
import { SampledTimer } from './sampled-timer.ts'
import { SS_METRICS, type SsMetricName } from './ss-metric-rows.ts'

/** What there is of datagrams. */
export interface UdpCounts {
  readonly associations: number
  /** Ports by state: open or unavailable. */
  states(): Readonly<Record<string, number>>
}

/** Asked at each scrape. */
export interface SsSources {
  /** What is counted anyway at the doors of this program, for TCP and UDP. */
  readonly doors: readonly DoorMetrics[]
  /** By state: open or unavailable. */
  readonly ports: () => Readonly<Record<string, number>>
  /** undefined: no datagrams are taken. */
  readonly udp: () => UdpCounts | undefined
  /** Users who are not served, by reason. */
  readonly unserved: () => Iterable<readonly [string, number]>
  readonly insecure: () => number
}

export interface SsMetricsOptions {
  readonly metrics: Pick<Metrics, 'show' | 'histogram'>
  /** What the node is called, `ss_node` on all that the original had. */
  readonly node: string
  readonly sources: SsSources
}

const PROBES = new Set(['AUTH_FAILED', 'AUTH_LIMIT', 'CLOCK_SKEW', 'HANDSHAKE_INVALID'])

/** What ss-node counts besides what every program does: plain numbers, read when somebody scrapes. */
export class SsMetrics {
  /** Requests and datagrams that had come before. */
  replays = 0
  /** Requests and datagrams that were no user's, and were not answered. */
  probes = 0
  /** Around each call that seals, or opens, what was read at once. */
  readonly encrypt: SampledTimer
  readonly decrypt: SampledTimer
  readonly #found: readonly Observer[]
  readonly #unknown: Observer

  constructor(histogram: (name: SsMetricName) => (label: string) => Observer, node: string) {
    this.encrypt = new SampledTimer(histogram('encrypt')(node))
    this.decrypt = new SampledTimer(histogram('decrypt')(node))
    const find = histogram('find')
    this.#found = [find('found'), histogram('findUser')(node)]
    this.#unknown = find('unknown')
  }

  /** It took `ms` to find out whose the first bytes were, or that they were nobody's. */
  findTook(ms: number, isFound: boolean): void {
    if (isFound) for (const observer of this.#found) observer.observe(ms / 1000)
    else this.#unknown.observe(ms / 1000)
  }

  /** Somebody is not let in, and not told so. @param code the outcome; one of a client that only left is no probe */
  refused(code: string): void {
    if (code === 'REPLAY') this.replays += 1
    else if (PROBES.has(code)) this.probes += 1
  }
}

/** Registers every metric of `SS_METRICS`; to be called once for a program. */
export const createSsMetrics = ({ metrics, node, sources }: SsMetricsOptions): SsMetrics => {
  const counted = new SsMetrics((name) => metrics.histogram(SS_METRICS[name]), node)
  const show = (
    name: SsMetricName,
    samples: () => Iterable<readonly [Readonly<Record<string, string>>, number]>,
  ): void => metrics.show(SS_METRICS[name], samples)
  const ofNode = (name: SsMetricName, of: (door: DoorMetrics) => number): void =>
    show(name, () => [[{ ss_node: node }, sum(sources.doors, of)]])
  ofNode('made', (door) => door.active + sum(door.codes.values(), (count) => count))
  ofNode('active', (door) => door.active)
  ofNode('transmitted', ({ bytes }) => bytes.up + bytes.down)
  show('info', () => [[{ ss_node_name: node }, 1]])
  show('ports', () => byState(sources.ports()))
  show('udpPorts', () => byState(sources.udp()?.states() ?? {}))
  show('associations', () => [[{}, sources.udp()?.associations ?? 0]])
  show('unserved', () => [...sources.unserved()].map(([reason, users]) => [{ reason }, users]))
  show('insecure', () => [[{}, sources.insecure()]])
  show('replays', () => [[{}, counted.replays]])
  show('probes', () => [[{}, counted.probes]])
  return counted
}

const byState = (states: Readonly<Record<string, number>>): (readonly [{ state: string }, number])[] =>
  Object.entries(states).map(([state, count]) => [{ state }, count])

const sum = <T>(values: Iterable<T>, of: (value: T) => number): number => {
  let total = 0
  for (const value of values) total += of(value)
  return total
}
