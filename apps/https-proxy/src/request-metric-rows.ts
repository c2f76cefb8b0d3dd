import type { MetricRow } from '@sluice/metrics'

export type RequestMetricName =
  'wait' | 'service' | 'total' | 'queued' | 'queuedBytes' | 'slots' | 'connectionsMost' | 'connectionsRefused'

const WAIT = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const TIMES = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** What this door shows besides `METRICS`. */
export const REQUEST_METRICS: Readonly<Record<RequestMetricName, MetricRow>> = {
  wait: {
    name: 'sluice_request_wait_seconds',
    type: 'histogram',
    labels: ['door'],
    help: 'How long requests that got their turn had waited for it.',
    buckets: WAIT,
  },
  service: {
    name: 'sluice_request_service_seconds',
    type: 'histogram',
    labels: ['door'],
    help: 'How long requests held their slot: to the end of the answer, or of the dial of a tunnel.',
    buckets: TIMES,
  },
  total: {
    name: 'sluice_request_seconds',
    type: 'histogram',
    labels: ['door'],
    help: 'From the head of a request to the end of its answer, whatever became of it.',
    buckets: TIMES,
  },
  queued: {
    name: 'sluice_queue_requests',
    type: 'gauge',
    labels: [],
    help: 'Requests that wait for their turn.',
  },
  queuedBytes: {
    name: 'sluice_queue_bytes',
    type: 'gauge',
    labels: [],
    help: 'What those hold in memory.',
  },
  slots: {
    name: 'sluice_slots',
    type: 'gauge',
    labels: ['state'],
    help: 'Slots for requests that are under way to their origins, by state: busy or free.',
  },
  connectionsMost: {
    name: 'sluice_connections_limit',
    type: 'gauge',
    labels: [],
    help: 'Connections that may be open at a time, as far as the system lets them.',
  },
  connectionsRefused: {
    name: 'sluice_connections_refused_total',
    type: 'counter',
    labels: [],
    help: 'Connections that were turned away since there were as many as may be.',
  },
}
