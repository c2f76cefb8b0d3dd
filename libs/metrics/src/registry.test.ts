import { describe, expect, it } from 'vitest'
import { createMetrics } from './registry.ts'
import type { Metrics } from './registry.ts'
import { METRICS } from './table.ts'

const make = (): Metrics => createMetrics({ app: 'remote-proxy', version: '1.2.3' })

/** The lines of ours, comments left out. */
async function scrape(metrics: Metrics): Promise<string[]> {
  const text = await metrics.registry.metrics()
  return text.split('\n').filter((line) => line.startsWith('sluice_'))
}

describe('createMetrics', () => {
  it('tells which program it is, and about the process', async () => {
    const metrics = make()
    expect(await scrape(metrics)).toContain('sluice_info{app="remote-proxy",version="1.2.3"} 1')
    expect(await metrics.registry.metrics()).toContain('process_resident_memory_bytes')
  })

  it('registers every metric of the table, with its type and help, and no other of ours', async () => {
    const text = await make().registry.metrics()
    const types = [...text.matchAll(/^# TYPE (sluice_\S+) (\S+)$/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    )
    expect(types.toSorted()).toEqual(
      Object.values(METRICS)
        .map(({ name, type }) => `${name} ${type}`)
        .toSorted(),
    )
    for (const { name, help } of Object.values(METRICS)) expect(text).toContain(`# HELP ${name} ${help}`)
  })

  it('shows what the doors counted, each under its name', async () => {
    const metrics = make()
    const socks = metrics.door('socks')
    socks.opened()
    socks.opened()
    socks.ended('OK', 2000)
    socks.relayed({ up: 5, down: 7 })
    socks.datagrams.up += 3
    socks.datagramDropped('queue')
    socks.datagramDropped('queue')
    socks.authFailed()
    metrics.door('http').acceptFailed('EMFILE')
    expect(metrics.door('socks')).toBe(socks)
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'sluice_sessions_total{door="socks",code="OK"} 1',
        'sluice_sessions_active{door="socks"} 1',
        'sluice_sessions_active{door="http"} 0',
        'sluice_bytes_total{door="socks",direction="up"} 5',
        'sluice_bytes_total{door="socks",direction="down"} 7',
        'sluice_datagrams_total{door="socks",direction="up"} 3',
        'sluice_datagrams_dropped_total{door="socks",reason="queue"} 2',
        'sluice_auth_failures_total{door="socks"} 1',
        'sluice_accept_errors_total{door="http",errno="EMFILE"} 1',
        'sluice_session_seconds_bucket{le="1",door="socks"} 0',
        'sluice_session_seconds_bucket{le="5",door="socks"} 1',
        'sluice_session_seconds_sum{door="socks"} 2',
      ]),
    )
  })

  it('gives the same totals at every scrape, not a sum of them', async () => {
    const metrics = make()
    metrics.door('socks').opened()
    metrics.door('socks').ended('OK', 1)
    await scrape(metrics)
    expect(await scrape(metrics)).toContain('sluice_sessions_total{door="socks",code="OK"} 1')
  })

  it('asks its sources at the scrape, and does without them', async () => {
    const metrics = make()
    expect(await scrape(metrics)).toContain('sluice_ledger_pending_bytes 0')
    metrics.sources.users = () => ({ active: 3, disabled: 1 })
    metrics.sources.ledger = () => ({ pendingBytes: 4096, lagMs: 1500 })
    metrics.sources.userSources = () => [
      { source: 'file', ok: 1, failed: 0, okAt: 2000, refused: 3 },
      { source: 'panel', ok: 0, failed: 4, okAt: undefined, refused: 0 },
    ]
    metrics.ledgerBatch('ok')
    metrics.ledgerBatch('ok')
    metrics.ledgerBatch('failed')
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'sluice_users{state="active"} 3',
        'sluice_users{state="disabled"} 1',
        'sluice_ledger_pending_bytes 4096',
        'sluice_ledger_lag_seconds 1.5',
        'sluice_source_syncs_total{source="file",result="ok"} 1',
        'sluice_source_syncs_total{source="panel",result="failed"} 4',
        'sluice_source_synced_timestamp_seconds{source="file"} 2',
        'sluice_source_refused_users{source="file"} 3',
        'sluice_ledger_batches_total{result="ok"} 2',
        'sluice_ledger_batches_total{result="failed"} 1',
      ]),
    )
  })

  it('keeps the registries of several programs in one process apart', async () => {
    const [one, other] = [make(), make()]
    one.door('socks').opened()
    expect(await scrape(other)).not.toContain('sluice_sessions_active{door="socks"} 1')
  })

  it('escapes a label value, so that it cannot forge another line', async () => {
    const metrics = make()
    metrics.door('a"} 1\nsluice_forged 1').opened()
    expect(await scrape(metrics)).not.toContain('sluice_forged 1')
  })
})
