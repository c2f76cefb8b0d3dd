import { readFileSync } from 'node:fs'
import { createMetrics, type DoorMetrics } from '@sluice/metrics'
import { expect, it } from 'vitest'
import { SS_METRICS } from './ss-metric-rows.ts'
import { createSsMetrics, type SsMetrics } from './ss-metrics.ts'

const rows = Object.values(SS_METRICS)

interface Lab {
  readonly ss: SsMetrics
  readonly tcp: DoorMetrics
  readonly udp: DoorMetrics
  /** Lines of the metrics of ss-node, without buckets. */
  readonly lines: () => Promise<readonly string[]>
  readonly text: () => Promise<string>
}

const lab = (): Lab => {
  const metrics = createMetrics({ app: 'ss-node', version: '0' })
  const [tcp, udp] = [metrics.door('ss'), metrics.door('ss-udp')]
  const ss = createSsMetrics({
    metrics,
    node: 'fra-1',
    sources: {
      doors: [tcp, udp],
      ports: () => ({ open: 4, unavailable: 1 }),
      udp: () => ({ associations: 5, states: () => ({ open: 2, unavailable: 3 }) }),
      unserved: () => new Map([['PORT_TAKEN', 2]]),
      insecure: () => 3,
    },
  })
  const names = new RegExp(`^(?:${rows.map(({ name }) => name).join('|')})`)
  const text = (): Promise<string> => metrics.registry.metrics()
  const lines = async (): Promise<readonly string[]> =>
    (await text()).split('\n').filter((line) => names.test(line) && !line.includes('_bucket'))
  return { ss, tcp, udp, lines, text }
}

it('shows connections and bytes of all doors under the names that were there before', async () => {
  const { tcp, udp, lines } = lab()
  for (let i = 0; i < 3; i++) tcp.opened()
  udp.opened()
  tcp.ended('OK', 10)
  tcp.ended('DIAL_REFUSED', 10)
  tcp.relayed({ up: 10, down: 1000 })
  udp.relayed({ up: 1, down: 100 })
  const shown = await lines()
  expect(shown).toEqual(
    expect.arrayContaining([
      'connection_made_count_total{ss_node="fra-1"} 4',
      'active_connection_count{ss_node="fra-1"} 2',
      'network_transmit_bytes_total{ss_node="fra-1"} 1111',
      'ss_node_info{ss_node_name="fra-1"} 1',
    ]),
  )
  expect(await lines()).toEqual(shown)
})

it('shows who is not served, on which ports, and who was refused', async () => {
  const { ss, lines } = lab()
  for (const code of ['REPLAY', 'AUTH_FAILED', 'CLOCK_SKEW', 'CLIENT_CLOSED']) ss.refused(code)
  ss.replays += 1
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'sluice_ss_users_unserved{reason="PORT_TAKEN"} 2',
      'sluice_ss_insecure_users 3',
      'sluice_ss_replays_total 2',
      'sluice_ss_probes_total 2',
      'sluice_ss_ports{state="open"} 4',
      'sluice_ss_ports{state="unavailable"} 1',
      'sluice_ss_udp_ports{state="unavailable"} 3',
      'sluice_ss_associations 5',
    ]),
  )
})

it('shows how long it takes to find users, and samples of the ciphers', async () => {
  const { ss, lines } = lab()
  ss.findTook(0.25, true)
  ss.findTook(25, false)
  for (let i = 0; i < 65; i++) ss.encrypt.end(ss.encrypt.begin())
  ss.decrypt.end(ss.decrypt.begin())
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'find_access_user_time_seconds_count{ss_node="fra-1"} 1',
      'find_access_user_time_seconds_sum{ss_node="fra-1"} 0.00025',
      'sluice_ss_find_seconds_sum{result="found"} 0.00025',
      'sluice_ss_find_seconds_sum{result="unknown"} 0.025',
      'encrypt_data_time_seconds_count{ss_node="fra-1"} 2',
      'decrypt_data_time_seconds_count{ss_node="fra-1"} 1',
    ]),
  )
})

it('registers each of the table, with its type and help', async () => {
  const text = await lab().text()
  for (const { name, type, help } of rows) {
    expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`)
  }
})

it('is its table in docs/metrics.md, row by row', () => {
  const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
  const section = page.split('\n## ').find((part) => part.startsWith('ss-node\n'))
  const cellsOf = (line: string): readonly string[] =>
    line
      .split('|')
      .slice(1, 5)
      .map((cell) => cell.trim())
  const documented = section
    ?.split('\n')
    .filter((line) => line.startsWith('| `'))
    .map(cellsOf)
  const wanted = rows.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', ') || 'none',
    help,
  ])
  expect(documented).toEqual(wanted)
})
