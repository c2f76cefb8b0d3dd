import { hostname } from 'node:os'
import type { Program } from '@sluice/service'
import { isSecure } from '@sluice/wire/shadowsocks'
import type { Ports } from './ports.ts'
import { createSsMetrics, type SsMetrics, type UdpCounts } from './ss-metrics.ts'

/** How many are served with methods that protect nothing. */
export const insecureUsers = (ports: Ports): number =>
  ports.users.filter(({ method }) => !isSecure(method)).length

/** Shows what this door has besides what every program has. `ports` and `udp` are asked for at each scrape. */
export const showMetrics = (
  { metrics }: Pick<Program, 'metrics'>,
  doors: readonly string[],
  ports: () => Ports,
  udp: () => UdpCounts | undefined,
): SsMetrics =>
  createSsMetrics({
    metrics,
    node: hostname(),
    sources: {
      doors: doors.map((name) => metrics.door(name)),
      ports: () => ports().states(),
      udp,
      unserved: () => ports().report.counts,
      insecure: () => insecureUsers(ports()),
    },
  })
