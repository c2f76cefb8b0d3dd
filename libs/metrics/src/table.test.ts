import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { METRICS } from './table.ts'

const rows = Object.values(METRICS)

describe('METRICS', () => {
  it('names things as Prometheus does', () => {
    for (const { name, type } of rows) {
      expect(name).toMatch(/^sluice_[a-z_]+$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      if (type === 'histogram') expect(name).toMatch(/_(seconds|bytes)$/)
    }
  })

  it('has no label that grows with users or targets', () => {
    const known = new Set([
      'app',
      'version',
      'door',
      'code',
      'direction',
      'reason',
      'errno',
      'state',
      'result',
      'upstream',
      'rule',
      'source',
    ])
    expect(rows.flatMap((row) => row.labels).filter((label) => !known.has(label))).toEqual([])
  })

  it('is docs/metrics.md, row by row', () => {
    const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')
    // What is only of one program stands below.
    const [common = ''] = page.split('\n## ')
    const documented = common
      .split('\n')
      .filter((line) => line.startsWith('| `sluice_'))
      .map((line) =>
        line
          .split('|')
          .slice(1, 5)
          .map((cell) => cell.trim()),
      )
    const wanted = rows.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', ') || 'none',
      help,
    ])
    expect(documented).toEqual(wanted)
  })
})
