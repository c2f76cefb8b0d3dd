import type { MetricRow } from '@sluice/metrics'

export type RelayMetricName =
  | 'reservations'
  | 'reservationEvents'
  | 'reservationRequests'
  | 'controls'
  | 'circuits'
  | 'circuitEvents'
  | 'connectRequests'
  | 'limitRejections'
  | 'bans'
  | 'setup'
  | 'duration'

const SETUP = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const DURATION = [0.1, 1, 5, 15, 60, 120, 300, 900, 3600, 14_400, 86_400]

/** What the relay shows besides `METRICS`. */
export const RELAY_METRICS: Readonly<Record<RelayMetricName, MetricRow>> = {
  reservations: {
    name: 'sluice_relay_reservations',
    type: 'gauge',
    labels: [],
    help: 'Reservations that are held now.',
  },
  reservationEvents: {
    name: 'sluice_relay_reservations_total',
    type: 'counter',
    labels: ['event'],
    help: 'What became of reservations: opened, renewed, replaced, released, expired or closed.',
  },
  reservationRequests: {
    name: 'sluice_relay_reservation_requests_total',
    type: 'counter',
    labels: ['status'],
    help: 'Requests for a reservation, refreshes included, by the status they were answered with.',
  },
  controls: {
    name: 'sluice_relay_controls',
    type: 'gauge',
    labels: [],
    help: 'Control connections, with or without a reservation.',
  },
  circuits: {
    name: 'sluice_relay_circuits',
    type: 'gauge',
    labels: ['state'],
    help: 'Circuits, by state: open, or pending until their destination has come.',
  },
  circuitEvents: {
    name: 'sluice_relay_circuits_total',
    type: 'counter',
    labels: ['event', 'status'],
    help: 'What became of circuits: opened; closed after that, or failed instead, and by which status.',
  },
  connectRequests: {
    name: 'sluice_relay_connect_requests_total',
    type: 'counter',
    labels: ['status'],
    help: 'Requests for a circuit, by the status they were answered with.',
  },
  limitRejections: {
    name: 'sluice_relay_limit_rejections_total',
    type: 'counter',
    labels: ['limit'],
    help: 'Requests that were refused because of a limit, by its name.',
  },
  bans: {
    name: 'sluice_relay_bans',
    type: 'gauge',
    labels: [],
    help: 'Bans in force.',
  },
  setup: {
    name: 'sluice_relay_circuit_setup_seconds',
    type: 'histogram',
    labels: ['result'],
    help: 'From the request for a circuit to its answer, by result: opened or refused.',
    buckets: SETUP,
  },
  duration: {
    name: 'sluice_relay_circuit_seconds',
    type: 'histogram',
    labels: ['status'],
    help: 'How long circuits that were open lasted, by the status with which they ended.',
    buckets: DURATION,
  },
}
