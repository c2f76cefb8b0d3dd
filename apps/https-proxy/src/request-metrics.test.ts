import { readFileSync } from 'node:fs'
import { createMetrics } from '@sluice/metrics'
import { expect, it } from 'vitest'
import { REQUEST_METRICS } from './request-metric-rows.ts'
import { RequestMetrics } from './request-metrics.ts'

it('shows what waits, what is under way, and how long it took', async () => {
  const metrics = createMetrics({ app: 'https-proxy', version: '0' })
  const shown = new RequestMetrics(metrics, {
    queue: () => ({ requests: 3, bytes: 100 }),
    slots: () => ({ busy: 4, all: 10 }),
    connections: () => ({ most: 19_244, refused: 5 }),
  })
  shown.waited('proxy', 20)
  shown.held('proxy', 500)
  shown.ended('compat', 1500)
  const text = await metrics.registry.metrics()
  for (const line of [
    'sluice_queue_requests 3',
    'sluice_queue_bytes 100',
    'sluice_slots{state="busy"} 4',
    'sluice_slots{state="free"} 6',
    'sluice_connections_limit 19244',
    'sluice_connections_refused_total 5',
    'sluice_request_wait_seconds_sum{door="proxy"} 0.02',
    'sluice_request_service_seconds_bucket{le="0.5",door="proxy"} 1',
    'sluice_request_seconds_count{door="compat"} 1',
  ]) {
    expect(text).toContain(`${line}\n`)
  }
})

it('is its table in docs/metrics.md, row by row', () => {
  const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
  const section = page.split('\n## ').find((part) => part.startsWith('https-proxy\n'))
  const cellsOf = (line: string): readonly string[] =>
    line
      .split('|')
      .slice(1, 5)
      .map((cell) => cell.trim())
  const documented = section
    ?.split('\n')
    .filter((line) => line.startsWith('| `'))
    .map(cellsOf)
  const wanted = Object.values(REQUEST_METRICS).map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', ') || 'none',
    help,
  ])
  expect(documented).toEqual(wanted)
})
