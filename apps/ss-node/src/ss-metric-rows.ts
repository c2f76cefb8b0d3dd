import type { MetricRow } from '@sluice/metrics'

export type SsMetricName =
  | 'made'
  | 'active'
  | 'transmitted'
  | 'encrypt'
  | 'decrypt'
  | 'findUser'
  | 'info'
  | 'find'
  | 'ports'
  | 'udpPorts'
  | 'associations'
  | 'unserved'
  | 'insecure'
  | 'replays'
  | 'probes'

const FIND = [0.000_05, 0.0001, 0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
const CIPHER = [0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.005, 0.025]

/** What ss-node shows besides `METRICS`: first those of the program that it stands in for, under their names there. */
export const SS_METRICS: Readonly<Record<SsMetricName, MetricRow>> = {
  made: {
    name: 'connection_made_count_total',
    type: 'counter',
    labels: ['ss_node'],
    help: 'Connections that were accepted, and clients that began to send datagrams.',
  },
  active: {
    name: 'active_connection_count',
    type: 'gauge',
    labels: ['ss_node'],
    help: 'Those of them that are being served now; each counts once, not once for each of its two ends.',
  },
  transmitted: {
    name: 'network_transmit_bytes_total',
    type: 'counter',
    labels: ['ss_node'],
    help: 'Payload bytes relayed, up and down together.',
  },
  encrypt: {
    name: 'encrypt_data_time_seconds',
    type: 'histogram',
    labels: ['ss_node'],
    help: 'To seal what was read at once; one call in 64 is timed, so rates of its count are a 64th.',
    buckets: CIPHER,
  },
  decrypt: {
    name: 'decrypt_data_time_seconds',
    type: 'histogram',
    labels: ['ss_node'],
    help: 'To open what was read at once; one call in 64 is timed, so rates of its count are a 64th.',
    buckets: CIPHER,
  },
  findUser: {
    name: 'find_access_user_time_seconds',
    type: 'histogram',
    labels: ['ss_node'],
    help: 'To find out which user it is, where one was found.',
    buckets: FIND,
  },
  info: {
    name: 'ss_node_info',
    type: 'gauge',
    labels: ['ss_node_name'],
    help: 'Always 1; says which node this is.',
  },
  find: {
    name: 'sluice_ss_find_seconds',
    type: 'histogram',
    labels: ['result'],
    help: 'To find out which user it is, by result: found or unknown.',
    buckets: FIND,
  },
  ports: {
    name: 'sluice_ss_ports',
    type: 'gauge',
    labels: ['state'],
    help: 'Ports of users, by state: open, or unavailable and to be tried again.',
  },
  udpPorts: {
    name: 'sluice_ss_udp_ports',
    type: 'gauge',
    labels: ['state'],
    help: 'The same of their datagrams, by state: open, or unavailable and to be tried again.',
  },
  associations: {
    name: 'sluice_ss_associations',
    type: 'gauge',
    labels: [],
    help: 'UDP associations that are open.',
  },
  unserved: {
    name: 'sluice_ss_users_unserved',
    type: 'gauge',
    labels: ['reason'],
    help: 'Users who cannot come in at all, by the reason; the log names them.',
  },
  insecure: {
    name: 'sluice_ss_insecure_users',
    type: 'gauge',
    labels: [],
    help: 'Users with a method that does not protect what passes.',
  },
  replays: {
    name: 'sluice_ss_replays_total',
    type: 'counter',
    labels: [],
    help: 'Requests and datagrams that had come before.',
  },
  probes: {
    name: 'sluice_ss_probes_total',
    type: 'counter',
    labels: [],
    help: 'Requests and datagrams that no key opens, or that open and are no request; none is answered.',
  },
}
