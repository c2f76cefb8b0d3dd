import type { Program } from '@sluice/service'
import type { HttpsProxyConfig } from './config.ts'
import type { Connections } from './connections.ts'
import type { Desk } from './desk.ts'
import { RequestMetrics } from './request-metrics.ts'
import { Statistics, type StatsReport } from './stats.ts'
import { StatsLog } from './stats-log.ts'
import type { QueueWatch } from './watched-queue.ts'

export interface Watched {
  readonly connections: Connections
  readonly desk: () => Desk
  readonly slots: () => number
  /** Path at the ops endpoint. */
  readonly status: string
}

/** What is told of the requests of a door: in the log, at the ops endpoint and in the metrics. */
export interface Watching extends QueueWatch {
  report(): StatsReport
}

/** To be called once for a program, before it is ready. */
export const watchRequests = (
  program: Program,
  config: HttpsProxyConfig,
  doors: readonly string[],
  { connections, desk, slots, status }: Watched,
): Watching => {
  const doorsMetrics = doors.map((name) => [name, program.metrics.door(name)] as const)
  const accepted = (): number =>
    doorsMetrics.reduce((sum, [, { active, codes }]) => sum + active + sumOf(codes.values()), 0)
  const sources = {
    queue: (): { requests: number; bytes: number } => {
      const { waiting, waitingBytes } = desk().admission.report()
      return { requests: waiting, bytes: waitingBytes }
    },
    slots: (): { busy: number; all: number } => ({ busy: desk().admission.report().running, all: slots() }),
  }
  const stats = new Statistics({
    ...sources,
    accepted,
    connections: () => connections.size,
    refused: () => connections.refused,
  })
  const metrics = new RequestMetrics(program.metrics, { ...sources, connections: () => connections })
  for (const [name, door] of doorsMetrics) {
    door.onServed = (code, ms): void => {
      stats.ended(code, ms)
      metrics.ended(name, ms)
    }
  }
  program.addRoutes((app) => app.get(status, () => stats.report()))
  tellOf(program, config, stats)
  return {
    report: () => stats.report(),
    waited: ({ caller }, ms) => {
      stats.waited(ms)
      metrics.waited(caller.door, ms)
    },
    held: ({ caller }, ms) => metrics.held(caller.door, ms),
  }
}

/** In the log, as often as was asked for. */
const tellOf = (program: Program, config: HttpsProxyConfig, stats: Statistics): void => {
  const log = new StatsLog(stats, program.log, config.statsMs)
  let everyMs = config.statsMs
  program.onReload<HttpsProxyConfig>((next) => () => {
    if (next.statsMs !== everyMs) log.set(next.statsMs)
    everyMs = next.statsMs
  })
  program.onStop(() => log[Symbol.dispose]())
}

const sumOf = (counts: Iterable<number>): number => {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}
