import type { MetricRow } from '@sluice/metrics'
import type { Program } from '@sluice/service'
import { isSecure } from '@sluice/wire/shadowsocks'
import type { Ports } from './ports.ts'

/** Every metric of this door alone, as {@link MetricRow}s of docs/metrics.md. */
export const SS_METRICS: Readonly<Record<'ports' | 'unserved' | 'insecure', MetricRow>> = {
  ports: {
    name: 'sluice_ss_ports',
    type: 'gauge',
    labels: ['state'],
    help: 'Ports of users: open, or unavailable and to be tried again.',
  },
  unserved: {
    name: 'sluice_ss_unserved_users',
    type: 'gauge',
    labels: ['reason'],
    help: 'Users who cannot be served, by the reason.',
  },
  insecure: {
    name: 'sluice_ss_insecure_users',
    type: 'gauge',
    labels: [],
    help: 'Users who are served with methods that protect nothing.',
  },
}

/** How many are served with methods that protect nothing. */
export const insecureUsers = (ports: Ports): number =>
  ports.users.filter(({ method }) => !isSecure(method)).length

export const showMetrics = ({ metrics }: Program, ports: Ports): void => {
  metrics.show(SS_METRICS.ports, () =>
    Object.entries(ports.states()).map(([state, count]) => [{ state }, count] as const),
  )
  metrics.show(SS_METRICS.unserved, () =>
    [...ports.report.counts].map(([reason, count]) => [{ reason }, count] as const),
  )
  metrics.show(SS_METRICS.insecure, () => [[{}, insecureUsers(ports)]])
}
