import { expect, it } from 'vitest'
import { createMetrics } from './registry.ts'

it('shows lookups, hits, dials by upstream, and who is up', async () => {
  const metrics = createMetrics({ app: 'test', version: '0' })
  metrics.sources.upstreams = (): Record<string, number> => ({ pool: 2, office: 0 })
  const { wayOut } = metrics
  wayOut.lookedUp('ok', 20)
  wayOut.lookedUp('ok', 2000)
  wayOut.lookedUp('failed', 1)
  wayOut.cacheHit()
  wayOut.upstreamDialled('pool', 'ok')
  wayOut.upstreamDialled('pool', 'auth')
  wayOut.upstreamDialled('pool', 'ok')
  wayOut.upstreamDialled('office', 'ok')
  const lines = (await metrics.registry.metrics()).split('\n')
  expect(lines.filter((line) => /^sluice_(dns|upstream)_/.test(line) && !line.includes('_bucket'))).toEqual([
    'sluice_dns_seconds_sum 2.021',
    'sluice_dns_seconds_count 3',
    'sluice_dns_lookups_total{result="ok"} 2',
    'sluice_dns_lookups_total{result="failed"} 1',
    'sluice_dns_cache_hits_total 1',
    'sluice_upstream_dials_total{upstream="pool",result="ok"} 2',
    'sluice_upstream_dials_total{upstream="pool",result="auth"} 1',
    'sluice_upstream_dials_total{upstream="office",result="ok"} 1',
    'sluice_upstream_healthy_members{upstream="pool"} 2',
    'sluice_upstream_healthy_members{upstream="office"} 0',
  ])
})

it('shows whom rules denied, and does not grow with the names of rules', async () => {
  const metrics = createMetrics({ app: 'test', version: '0' })
  const { wayOut } = metrics
  wayOut.ruleDenied('mail')
  wayOut.ruleDenied('mail')
  for (let i = 0; i < 1500; i++) wayOut.ruleDenied(`rules[${i}]`)
  wayOut.ruleDenied('mail')
  const lines = (await metrics.registry.metrics()).split('\n')
  expect(lines).toEqual(
    expect.arrayContaining([
      'sluice_rule_hits_total{rule="mail"} 3',
      'sluice_rule_hits_total{rule="rules[998]"} 1',
      'sluice_rule_hits_total{rule="other"} 501',
    ]),
  )
  expect(lines.filter((line) => line.startsWith('sluice_rule_hits_total'))).toHaveLength(1001)
})
