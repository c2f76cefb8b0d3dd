import { readFileSync } from 'node:fs'
import { createMetrics, METRICS, type MetricRow } from '@sluice/metrics'
import { describe, expect, it } from 'vitest'
import { SS_METRICS } from './ss-metric-rows.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}

interface Dashboard {
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
}

const file = new URL('../../../deploy/grafana/ss-node.json', import.meta.url)
const dashboard = JSON.parse(readFileSync(file, 'utf8')) as Dashboard
const { panels, templating, annotations } = dashboard
const queries = [
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...annotations.list.map(({ expr }) => expr),
  ...templating.list.flatMap(({ definition }) => definition ?? []),
]

const rows = [...Object.values(METRICS), ...Object.values(SS_METRICS)]
const seriesOf = ({ name, type }: MetricRow): readonly string[] =>
  type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
const ofProcess = createMetrics({ app: 'ss-node', version: '0' })
  .registry.getMetricsAsArray()
  .map(({ name }) => name)
  .filter((name) => !name.startsWith('sluice_'))
const series = new Set([...rows.flatMap(seriesOf), ...ofProcess])
const labels = new Set([...rows.flatMap((row) => row.labels), 'le', 'instance'])

/** Words of PromQL that are no function, and so no name before a parenthesis either. */
const WORDS = new Set(['by', 'without', 'and', 'or', 'unless', 'bool', 'offset', 'on', 'ignoring'])
const IDENTIFIER = /[a-zA-Z_:][\w:]*/g

const bare = (query: string): string => query.replace(/"[^"]*"/g, '').replace(/\[[^\]]*\]/g, '')

/** The names of series in a query. */
const seriesIn = (query: string): readonly string[] => {
  const text = bare(query)
    .replace(/\{[^}]*\}/g, '')
    .replace(/\b(?:by|without|on|ignoring) *\([^)]*\)/g, '')
    .replace(/^label_values\((.*),[^,]*\)$/, '$1')
    .replace(/[a-z_]\w* *\(/g, '(')
  return [...text.matchAll(IDENTIFIER)].map(([name]) => name).filter((name) => !WORDS.has(name))
}

/** The labels that a query asks for, or groups by. */
const labelsIn = (query: string): readonly string[] => {
  const parts = [...bare(query).matchAll(/\{([^}]*)\}|\b(?:by|without) *\(([^)]*)\)/g)]
  return parts.flatMap(([, selector = '', list = '']) =>
    [...`${selector} ${list}`.matchAll(IDENTIFIER)].map(([name]) => name),
  )
}

describe('the dashboard for Grafana', () => {
  it('asks for something in each panel', () => {
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39)
    const empty = panels.filter(({ type, targets = [] }) => type !== 'row' && targets.length === 0)
    expect(empty.map(({ title }) => title)).toEqual([])
    expect(queries.length).toBeGreaterThan(20)
  })

  it.each([
    ['sum by (a) (rate(b_total{c="d_e"}[5m])) / count(f)', ['b_total', 'f'], ['a', 'c']],
    ['label_values(info{app="x"}, instance)', ['info'], ['app']],
    ['time() - (g_seconds > 0) and h', ['g_seconds', 'h'], []],
  ])('is read as it should be: %s', (query, names, asked) => {
    expect(seriesIn(query)).toEqual(names)
    expect(labelsIn(query).toSorted()).toEqual(asked)
  })

  it.each(queries)('asks for what there is: %s', (query) => {
    expect(seriesIn(query).length).toBeGreaterThan(0)
    expect(seriesIn(query).filter((name) => !series.has(name))).toEqual([])
    expect(labelsIn(query).filter((name) => !labels.has(name))).toEqual([])
  })

  it('has panels that neither overlap nor stand outside, each with its own id', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const taken = new Set<string>()
    for (const { gridPos, title } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), title).toBe(false)
          taken.add(`${x} ${y}`)
        }
      }
    }
  })
})
