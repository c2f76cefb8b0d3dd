import { readFileSync } from 'node:fs'
import { createMetrics, type Metrics } from '@sluice/metrics'
import { RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { RELAY_METRICS } from './relay-metric-rows.ts'
import { RelayMetrics } from './relay-metrics.ts'
import { RelayRefusal } from './relay-refusal.ts'

const sources = { reservations: () => 1, controls: () => 2, open: () => 3, pending: () => 4, bans: () => 5 }

const linesOf = async ({ registry }: Metrics): Promise<readonly string[]> => {
  const text = await registry.metrics()
  return text.split('\n').filter((line) => line.startsWith('sluice_relay') && !line.includes('_bucket'))
}

it('shows what is there, and what became of it', async () => {
  const metrics = createMetrics({ app: 'relay', version: '0' })
  const counted = new RelayMetrics(metrics, sources)
  counted.reservation('opened')
  counted.reservation('opened')
  counted.reserved(RELAY_STATUS.OK)
  const full = new RelayRefusal('RESOURCE_LIMIT_EXCEEDED', { limit: 'circuits-total' })
  counted.connected(full.status, 2, full)
  counted.circuit('opened', { status: undefined })
  counted.circuit('closed', { status: RELAY_STATUS.DATA_LIMIT })
  counted.lasted(RELAY_STATUS.DATA_LIMIT, 1500)
  const shown = await linesOf(metrics)
  expect(shown).toEqual(
    expect.arrayContaining([
      'sluice_relay_reservations 1',
      'sluice_relay_controls 2',
      'sluice_relay_circuits{state="open"} 3',
      'sluice_relay_circuits{state="pending"} 4',
      'sluice_relay_bans 5',
      'sluice_relay_reservations_total{event="opened"} 2',
      'sluice_relay_reservation_requests_total{status="OK"} 1',
      'sluice_relay_connect_requests_total{status="RESOURCE_LIMIT_EXCEEDED"} 1',
      'sluice_relay_limit_rejections_total{limit="circuits-total"} 1',
      'sluice_relay_circuits_total{event="opened",status="OK"} 1',
      'sluice_relay_circuits_total{event="closed",status="DATA_LIMIT"} 1',
      'sluice_relay_circuit_setup_seconds_count{result="refused"} 1',
      'sluice_relay_circuit_seconds_sum{status="DATA_LIMIT"} 1.5',
    ]),
  )
  expect(await linesOf(metrics)).toEqual(shown)
})

it('is its table in docs/metrics.md, row by row', () => {
  const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
  const section = page.split('\n## ').find((part) => part.startsWith('relay\n'))
  const cellsOf = (line: string): readonly string[] =>
    line
      .split('|')
      .slice(1, 5)
      .map((cell) => cell.trim())
  const documented = section
    ?.split('\n')
    .filter((line) => line.startsWith('| `'))
    .map(cellsOf)
  const wanted = Object.values(RELAY_METRICS).map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', ') || 'none',
    help,
  ])
  expect(documented).toEqual(wanted)
})
