import { describe, expect, it, test } from 'vitest'
import { widthOf } from './text-width.ts'
import type { TopRow } from './top-rates.ts'
import { shortBytes, type SortKey, tableLines, topLines, type TopState } from './top-view.ts'

const row = (name: string, changes: Partial<TopRow> = {}): TopRow => ({
  id: name,
  name,
  state: 'active',
  connections: 0,
  ips: 0,
  up: 0,
  down: 0,
  used: 0,
  limits: {},
  upRate: 0,
  downRate: 0,
  upMean: 0,
  downMean: 0,
  ...changes,
})

const ADA = row('ada', {
  connections: 3,
  ips: 2,
  downRate: 1_234_567,
  downMean: 999_999,
  quotaLeft: 5_000_000,
})
const BOB = row('bob', { connections: 7, upRate: 999.6, upMean: 5, quotaLeft: 0, state: 'quota', used: 1e10 })
const EVE = row('日本語')
const STATE: TopState = {
  title: 'remote-proxy 1.0.0',
  uptimeMs: 11_520_000,
  total: 3,
  rows: [BOB, EVE, ADA],
  sort: 'd',
  reversed: false,
  problem: undefined,
}

test('a screen has a summary, what keys do, and the table, cut to its size', () => {
  expect(topLines(STATE, 100, 24)).toEqual([
    'remote-proxy 1.0.0  running 3h 12m  3 users  10 connections  up 1KB/s  down 1.23MB/s  by down',
    'sort: u up, d down, c connections, l quota left, n name; the same key again turns it around; q quits',
    'USER        STATE CONNS   IPS    UP/s  DOWN/s  UP 10s DOWN 10s QUOTA LEFT    USED',
    'ada        active     3     2      0B  1.23MB      0B      1MB        5MB      0B',
    'bob         quota     7     0     1KB      0B      5B       0B         0B    10GB',
    '日本語     active     0     0      0B      0B      0B       0B          -      0B',
  ])
  expect(topLines(STATE, 100, 4)).toHaveLength(4)
})

test('a problem is told in place of the keys', () => {
  expect(topLines({ ...STATE, problem: 'cannot reach 127.0.0.1:9102' }, 80, 24)[1]).toBe(
    'cannot reach 127.0.0.1:9102',
  )
})

test.each([1, 5, 10, 20, 40, 60, 79, 80, 81])('no line is wider than %i columns', (columns) => {
  const long = row('x'.repeat(300), { used: Number.MAX_SAFE_INTEGER, connections: 123_456 })
  for (const line of topLines({ ...STATE, rows: [long, ...STATE.rows] }, columns, 24)) {
    expect(widthOf(line)).toBeLessThanOrEqual(columns)
  }
})

test('where there is little room the most telling columns stay', () => {
  const head = (columns: number): unknown => tableLines(STATE, columns)[0]?.replaceAll(/ +/g, ' ')
  expect(head(41)).toBe('USER CONNS UP/s DOWN/s QUOTA LEFT')
  expect(head(40)).toBe('USER CONNS UP/s DOWN/s')
  expect(head(16)).toBe('USER DOWN/s')
})

describe('sorting', () => {
  it.each([
    ['d', ['ada', 'bob', '日本語']],
    ['u', ['bob', 'ada', '日本語']],
    ['c', ['bob', 'ada', '日本語']],
    ['l', ['bob', 'ada', '日本語']],
    ['n', ['ada', 'bob', '日本語']],
  ] as const)('by %s', (sort: SortKey, names) => {
    const shown = (reversed: boolean): (string | undefined)[] =>
      tableLines({ ...STATE, sort, reversed }, 100)
        .slice(1)
        .map((line) => line.split(' ')[0])
    expect(shown(false)).toEqual(names)
    expect(shown(true)).toEqual(names.toReversed())
  })
})

test.each([
  [0, '0B'],
  [999.4, '999B'],
  [999.6, '1KB'],
  [1234, '1.23KB'],
  [99_949, '99.9KB'],
  [999_999, '1MB'],
  [5e15, '5PB'],
  [9e18, '9000PB'],
])('%d bytes are %s at a glance', (bytes, text) => {
  expect(shortBytes(bytes)).toBe(text)
})
