import { expect, it } from 'vitest'
import { Statistics, type StatsSources } from './stats.ts'

const sources: StatsSources = {
  connections: () => 20,
  accepted: () => 300,
  refused: () => 4,
  queue: () => ({ requests: 7, bytes: 1000 }),
  slots: () => ({ busy: 3, all: 5 }),
}

it('tells what became of requests', () => {
  let now = 1000
  const stats = new Statistics(sources, () => now)
  now += 30_000
  for (const ms of [10, 20, 30]) stats.ended('OK', ms)
  stats.ended('QUEUE_TIMEOUT', 100)
  stats.ended('QUEUE_FULL', 0)
  stats.ended('REQUEST_RATE_LIMIT', 0)
  stats.ended('DIAL_REFUSED', 0)
  stats.waited(8)
  expect(stats.report()).toEqual({
    uptime_seconds: 30,
    total_requests: 7,
    total_success: 3,
    total_errors: 4,
    total_timeout: 1,
    total_rejected: 2 + 4,
    total_connections: 300,
    active_connections: 20,
    idle_connections: 10,
    active_workers: 3,
    max_workers: 5,
    queue_size: 7,
    queue_bytes: 1000,
    requests_per_second: 0.23,
    avg_request_time_ms: 22.86,
    p50_request_time_ms: 10.13,
    p90_request_time_ms: 101,
    p99_request_time_ms: 101,
    request_time_ms: { avg: 22.86, p50: 10.13, p90: 101, p99: 101 },
    wait_time_ms: { avg: 8, p50: 8.13, p90: 8.13, p99: 8.13 },
    error_types: { QUEUE_TIMEOUT: 1, QUEUE_FULL: 1, REQUEST_RATE_LIMIT: 1, DIAL_REFUSED: 1 },
  })
})

it('forgets times after a minute, and no totals', () => {
  let now = 0
  const stats = new Statistics({ ...sources, connections: () => 1 }, () => now)
  stats.ended('OK', 10)
  now = 120_000
  expect(stats.report()).toMatchObject({
    ...{ total_requests: 1, requests_per_second: 0, p99_request_time_ms: 0, idle_connections: 0 },
    request_time_ms: { p99: 10.13 },
  })
})
