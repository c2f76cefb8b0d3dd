import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { DoorMetrics, bump } from './door.ts'
import type { Observer } from './door.ts'
import { METRICS } from './table.ts'
import type { MetricRow } from './table.ts'
import { WayOutMetrics } from './way-out.ts'

/** Asked at each scrape, so that nothing has to be kept up to date in between. */
export interface MetricSources {
  /** Number of users by state: active, disabled, expired, quota. */
  users?: () => Record<string, number>
  /** When the settings in force were read, ms since 1970. */
  configAt?: () => number
  /** What is counted and not stored yet, and for how long. */
  ledger?: () => { pendingBytes: number; lagMs: number }
  /** Members that are up, by upstream. */
  upstreams?: () => Record<string, number>
  /** How the sources of users fare. */
  userSources?: () => readonly SourceSample[]
}

/** How a source of users has fared: a file, a panel, or what a panel is told of usage. */
export interface SourceSample {
  readonly source: string
  readonly ok: number
  readonly failed: number
  /** Of the last success, ms since 1970; undefined before the first. */
  readonly okAt: number | undefined
  /** Users in its last list that cannot be. */
  readonly refused: number
}

/** The metrics of one program. */
export interface Metrics {
  /** For the ops endpoint: `registry.contentType`, `await registry.metrics()`. */
  readonly registry: Registry
  /** Set by whoever has the numbers. */
  readonly sources: MetricSources
  readonly wayOut: WayOutMetrics
  /** Adds a counter or gauge of one program, whose values are asked for at each scrape. */
  show(row: MetricRow, samples: () => Iterable<readonly [Readonly<Record<string, string>>, number]>): void
  /** Adds a histogram of one program that has one label; gives it by the label's value. */
  histogram(row: MetricRow): (label: string) => Observer
  /** The counters of one door, made at the first call; keep the handle. */
  door(name: string): DoorMetrics
  /** The settings were read again. */
  reload(result: 'ok' | 'failed'): void
  accessLogLost(lines: number): void
  ledgerBatch(result: 'ok' | 'failed'): void
}

type Labels = Readonly<Record<string, string>>
type Samples = () => Iterable<readonly [Labels, number]>

/** A registry of its own, with prom-client's process metrics and every metric of `METRICS`. */
export function createMetrics({ app, version }: { app: string; version: string }): Metrics {
  const registry = new Registry()
  const sources: MetricSources = {}
  const doors = new Map<string, DoorMetrics>()
  const reloads = new Map<string, number>()
  let lostLines = 0
  const batches = new Map<string, number>()
  collectDefaultMetrics({ register: registry })

  const show = (row: MetricRow, samples: Samples): void => register(registry, row, samples)
  show(METRICS.info, () => [[{ app, version }, 1]])
  show(METRICS.sessions, () => eachDoor(doors, (door) => entries(door.codes, 'code')))
  show(METRICS.httpRequests, () => eachDoor(doors, (door) => entries(door.requests, 'code')))
  show(METRICS.active, () => eachDoor(doors, (door) => [[{}, door.active]]))
  show(METRICS.bytes, () => eachDoor(doors, (door) => entries(Object.entries(door.bytes), 'direction')))
  show(METRICS.datagrams, () =>
    eachDoor(doors, (door) => entries(Object.entries(door.datagrams), 'direction')),
  )
  show(METRICS.datagramsDropped, () => eachDoor(doors, (door) => entries(door.dropped, 'reason')))
  show(METRICS.authFailures, () => eachDoor(doors, (door) => [[{}, door.authFailures]]))
  show(METRICS.acceptErrors, () => eachDoor(doors, (door) => entries(door.errnos, 'errno')))
  show(METRICS.users, () => entries(Object.entries(sources.users?.() ?? {}), 'state'))
  show(METRICS.reloads, () => entries(reloads, 'result'))
  show(METRICS.configAt, () => [[{}, (sources.configAt?.() ?? 0) / 1000]])
  show(METRICS.accessLogLost, () => [[{}, lostLines]])
  show(METRICS.ledgerBatches, () => entries(batches, 'result'))
  show(METRICS.ledgerPending, () => [[{}, sources.ledger?.().pendingBytes ?? 0]])
  show(METRICS.ledgerLag, () => [[{}, (sources.ledger?.().lagMs ?? 0) / 1000]])
  const handshake = histogram(registry, METRICS.handshake)
  const dial = histogram(registry, METRICS.dial)
  const session = histogram(registry, METRICS.session)
  const wayOut = new WayOutMetrics(histogram(registry, METRICS.dns))
  show(METRICS.dnsLookups, () => entries(wayOut.lookups, 'result'))
  show(METRICS.dnsHits, () => [[{}, wayOut.cacheHits]])
  show(METRICS.upstreamDials, () => eachUpstream(wayOut))
  show(METRICS.ruleHits, () => entries(wayOut.ruleHits, 'rule'))
  show(METRICS.upstreamHealthy, () => entries(Object.entries(sources.upstreams?.() ?? {}), 'upstream'))
  show(METRICS.sourceSyncs, () => (sources.userSources?.() ?? []).flatMap(syncs))
  show(METRICS.sourceSyncedAt, () =>
    (sources.userSources?.() ?? []).flatMap(({ source, okAt }) =>
      okAt === undefined ? [] : [[{ source }, okAt / 1000] as const],
    ),
  )
  show(METRICS.sourceRefused, () =>
    (sources.userSources?.() ?? []).map(({ source, refused }) => [{ source }, refused] as const),
  )

  const open = (door: string): DoorMetrics => {
    const made = new DoorMetrics({
      handshake: handshake.labels(door),
      dial: dial.labels(door),
      session: session.labels(door),
    })
    doors.set(door, made)
    return made
  }
  return {
    registry,
    sources,
    wayOut,
    show,
    histogram: (row) => {
      const made = histogram(registry, row)
      return (label) => made.labels(label)
    },
    door: (name) => doors.get(name) ?? open(name),
    reload: (result) => bump(reloads, result),
    accessLogLost: (lines) => void (lostLines += lines),
    ledgerBatch: (result) => bump(batches, result),
  }
}

/** A counter or gauge whose values are read, not pushed. */
function register(registry: Registry, row: MetricRow, samples: Samples): void {
  const about = { name: row.name, help: row.help, labelNames: [...row.labels], registers: [registry] }
  if (row.type === 'counter') {
    const counter: Counter = new Counter({
      ...about,
      collect() {
        // Rebuilt from our own totals, which only grow.
        counter.reset()
        for (const [labels, value] of samples()) counter.inc(labels, value)
      },
    })
  } else {
    const gauge: Gauge = new Gauge({
      ...about,
      collect() {
        gauge.reset()
        for (const [labels, value] of samples()) gauge.set(labels, value)
      },
    })
  }
}

function histogram(registry: Registry, row: MetricRow): Histogram {
  const { name, help, labels, buckets = [] } = row
  return new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] })
}

function* entries(counts: Iterable<[string, number]>, label: string): Iterable<[Labels, number]> {
  for (const [value, count] of counts) yield [{ [label]: value }, count]
}

function* eachDoor(
  doors: Map<string, DoorMetrics>,
  samples: (door: DoorMetrics) => Iterable<readonly [Labels, number]>,
): Iterable<[Labels, number]> {
  for (const [door, metrics] of doors) {
    for (const [labels, value] of samples(metrics)) yield [{ door, ...labels }, value]
  }
}

const syncs = ({ source, ok, failed }: SourceSample): [Labels, number][] => [
  [{ source, result: 'ok' }, ok],
  [{ source, result: 'failed' }, failed],
]

function* eachUpstream({ dials }: WayOutMetrics): Iterable<[Labels, number]> {
  for (const [upstream, results] of dials) {
    for (const [result, count] of results) yield [{ upstream, result }, count]
  }
}
