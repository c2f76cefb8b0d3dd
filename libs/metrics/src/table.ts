/** One metric: what the registry is made from, and what docs/metrics.md is held to. */
export interface MetricRow {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  labels: readonly string[]
  help: string
  /** Upper bounds of a histogram, in the unit of its name. */
  buckets?: readonly number[]
}

const WAIT = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const LIFE = [0.01, 0.1, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400]

/**
 * Every metric of ours. Labels have few values by design: never a user, an address or a target.
 * A user's own numbers are in the usage ledger.
 */
export const METRICS: Readonly<Record<MetricName, MetricRow>> = {
  info: {
    name: 'sluice_info',
    type: 'gauge',
    labels: ['app', 'version'],
    help: 'Always 1; says which program and version this is.',
  },
  sessions: {
    name: 'sluice_sessions_total',
    type: 'counter',
    labels: ['door', 'code'],
    help: 'Sessions that ended, by their outcome.',
  },
  httpRequests: {
    name: 'sluice_http_requests_total',
    type: 'counter',
    labels: ['door', 'code'],
    help: 'Requests over HTTP, of which a connection may bring many, and tunnels of https-proxy, by their outcome.',
  },
  active: {
    name: 'sluice_sessions_active',
    type: 'gauge',
    labels: ['door'],
    help: 'Connections being served now, their handshake included.',
  },
  bytes: {
    name: 'sluice_bytes_total',
    type: 'counter',
    labels: ['door', 'direction'],
    help: 'Payload bytes relayed; up is from client to target.',
  },
  datagrams: {
    name: 'sluice_datagrams_total',
    type: 'counter',
    labels: ['door', 'direction'],
    help: 'Datagrams relayed; up is from client to target.',
  },
  datagramsDropped: {
    name: 'sluice_datagrams_dropped_total',
    type: 'counter',
    labels: ['door', 'reason'],
    help: 'Datagrams that were not relayed, by the reason.',
  },
  handshake: {
    name: 'sluice_handshake_seconds',
    type: 'histogram',
    labels: ['door'],
    help: 'From accept to an understood and authenticated request.',
    buckets: WAIT,
  },
  dial: {
    name: 'sluice_dial_seconds',
    type: 'histogram',
    labels: ['door'],
    help: 'From the start of a dial to a connected target, name resolution included.',
    buckets: WAIT,
  },
  session: {
    name: 'sluice_session_seconds',
    type: 'histogram',
    labels: ['door'],
    help: 'From accept to the end of the session.',
    buckets: LIFE,
  },
  authFailures: {
    name: 'sluice_auth_failures_total',
    type: 'counter',
    labels: ['door'],
    help: 'Credentials that were refused; one connection may try more than once.',
  },
  acceptErrors: {
    name: 'sluice_accept_errors_total',
    type: 'counter',
    labels: ['door', 'errno'],
    help: 'Connections that could not be accepted, by the system error.',
  },
  users: {
    name: 'sluice_users',
    type: 'gauge',
    labels: ['state'],
    help: 'Users known to this program: active, disabled, expired or over their quota.',
  },
  reloads: {
    name: 'sluice_config_reloads_total',
    type: 'counter',
    labels: ['result'],
    help: 'Times the settings were read again: ok, or failed and the old ones kept.',
  },
  configAt: {
    name: 'sluice_config_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the settings in force were read, in seconds since 1970.',
  },
  accessLogLost: {
    name: 'sluice_access_log_lost_lines_total',
    type: 'counter',
    labels: [],
    help: 'Lines of the access log that could not be written.',
  },
  ledgerBatches: {
    name: 'sluice_ledger_batches_total',
    type: 'counter',
    labels: ['result'],
    help: 'Usage batches handed to the store: ok, or failed and to be retried.',
  },
  ledgerPending: {
    name: 'sluice_ledger_pending_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes counted and not yet stored; what a crash would lose.',
  },
  ledgerLag: {
    name: 'sluice_ledger_lag_seconds',
    type: 'gauge',
    labels: [],
    help: 'Time since the ledger last had everything stored.',
  },
  dnsLookups: {
    name: 'sluice_dns_lookups_total',
    type: 'counter',
    labels: ['result'],
    help: 'Names that were looked up, by result: ok, unknown or failed.',
  },
  dnsHits: {
    name: 'sluice_dns_cache_hits_total',
    type: 'counter',
    labels: [],
    help: 'Names that needed no lookup of their own: remembered, or being looked up already.',
  },
  dns: {
    name: 'sluice_dns_seconds',
    type: 'histogram',
    labels: [],
    help: 'From the question for a name to its answer, the wait for a turn included.',
    buckets: WAIT,
  },
  upstreamDials: {
    name: 'sluice_upstream_dials_total',
    type: 'counter',
    labels: ['upstream', 'result'],
    help: 'Dials at a member of an upstream, by result: ok, target, failed, auth or aborted.',
  },
  upstreamHealthy: {
    name: 'sluice_upstream_healthy_members',
    type: 'gauge',
    labels: ['upstream'],
    help: 'Members of an upstream that are up.',
  },
  ruleHits: {
    name: 'sluice_rule_hits_total',
    type: 'counter',
    labels: ['rule'],
    help: 'Connections, requests and targets of datagrams that a rule denied, by the rule.',
  },
  sourceSyncs: {
    name: 'sluice_source_syncs_total',
    type: 'counter',
    labels: ['source', 'result'],
    help: 'Times a source of users was asked, or told of usage: ok, or failed and all kept as it was.',
  },
  sourceSyncedAt: {
    name: 'sluice_source_synced_timestamp_seconds',
    type: 'gauge',
    labels: ['source'],
    help: 'When that last succeeded, in seconds since 1970.',
  },
  sourceRefused: {
    name: 'sluice_source_refused_users',
    type: 'gauge',
    labels: ['source'],
    help: 'Users in the last list of a source that cannot be, and are not served.',
  },
}

export type MetricName =
  | 'info'
  | 'sessions'
  | 'httpRequests'
  | 'active'
  | 'bytes'
  | 'datagrams'
  | 'datagramsDropped'
  | 'handshake'
  | 'dial'
  | 'session'
  | 'authFailures'
  | 'acceptErrors'
  | 'users'
  | 'reloads'
  | 'configAt'
  | 'accessLogLost'
  | 'ledgerBatches'
  | 'ledgerPending'
  | 'ledgerLag'
  | 'dnsLookups'
  | 'dnsHits'
  | 'dns'
  | 'upstreamDials'
  | 'upstreamHealthy'
  | 'ruleHits'
  | 'sourceSyncs'
  | 'sourceSyncedAt'
  | 'sourceRefused'
