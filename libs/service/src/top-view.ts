import { fitTo, widthOf } from './text-width.ts'
import type { TopRow } from './top-rates.ts'

/** The keys that sort, by what they sort. `q` quits, as everywhere, so the quota is `l` for what is left. */
export const SORTS = { u: 'up', d: 'down', c: 'connections', l: 'quota left', n: 'name' } as const
export type SortKey = keyof typeof SORTS

/** Everything that a screen shows. */
export interface TopState {
  readonly title: string
  readonly uptimeMs: number
  readonly total: number
  readonly rows: readonly TopRow[]
  readonly sort: SortKey
  readonly reversed: boolean
  /** Why there is nothing newer to show. */
  readonly problem: string | undefined
}

interface Column {
  readonly head: string
  readonly width: number
  /** Where there is no room for all, the highest go first. */
  readonly rank: number
  text(row: TopRow): string
}

const NAME_WIDTH = { min: 8, max: 32 }

const COLUMNS: readonly Column[] = [
  { head: 'STATE', width: 8, rank: 5, text: ({ state }) => state },
  { head: 'CONNS', width: 5, rank: 1, text: ({ connections }) => String(connections) },
  { head: 'IPS', width: 5, rank: 8, text: ({ ips }) => String(ips) },
  { head: 'UP/s', width: 7, rank: 2, text: ({ upRate }) => shortBytes(upRate) },
  { head: 'DOWN/s', width: 7, rank: 0, text: ({ downRate }) => shortBytes(downRate) },
  { head: 'UP 10s', width: 7, rank: 7, text: ({ upMean }) => shortBytes(upMean) },
  { head: 'DOWN 10s', width: 8, rank: 6, text: ({ downMean }) => shortBytes(downMean) },
  {
    head: 'QUOTA LEFT',
    width: 10,
    rank: 3,
    text: ({ quotaLeft }) => (quotaLeft === undefined ? '-' : shortBytes(quotaLeft)),
  },
  { head: 'USED', width: 7, rank: 4, text: ({ used }) => shortBytes(used) },
]

/** The screen as lines of at most `columns`, no more than `height`, without any escape codes. */
export const topLines = (state: TopState, columns: number, height: number): string[] => {
  const help = `sort: ${Object.entries(SORTS)
    .map(([key, what]) => `${key} ${what}`)
    .join(', ')}; the same key again turns it around; q quits`
  const lines = [summary(state), state.problem ?? help, ...tableLines(state, columns)]
  return lines.slice(0, Math.max(1, height)).map((line) => fitTo(line, columns).trimEnd())
}

/** The table alone, its head first. */
export const tableLines = (
  state: Pick<TopState, 'rows' | 'sort' | 'reversed'>,
  columns: number,
): string[] => {
  const rows = sorted(state)
  const longest = Math.max(...rows.map(({ name }) => widthOf(name)), NAME_WIDTH.min)
  const nameWidth = Math.min(longest, NAME_WIDTH.max)
  const shown = columnsIn(columns - nameWidth)
  const line = (name: string, cell: (column: Column) => string): string =>
    [
      fitTo(name, Math.min(nameWidth, columns)),
      ...shown.map((column) => fitTo(cell(column), column.width, 'right')),
    ].join(' ')
  return [
    line('USER', ({ head }) => head),
    ...rows.map((row) => line(row.name, (column) => column.text(row))),
  ]
}

const columnsIn = (room: number): Column[] => {
  let left = room
  const byRank = COLUMNS.toSorted((a, b) => a.rank - b.rank)
  const chosen = new Set(byRank.filter(({ width }) => (left -= width + 1) >= 0))
  return COLUMNS.filter((column) => chosen.has(column))
}

const summary = ({ title, uptimeMs, total, rows, sort }: TopState): string => {
  const sum = (of: (row: TopRow) => number): number => rows.reduce((all, row) => all + of(row), 0)
  return [
    title,
    `running ${elapsed(uptimeMs)}`,
    `${total} users`,
    `${sum(({ connections }) => connections)} connections`,
    `up ${shortBytes(sum(({ upRate }) => upRate))}/s`,
    `down ${shortBytes(sum(({ downRate }) => downRate))}/s`,
    `by ${SORTS[sort]}`,
  ].join('  ')
}

/** The busiest first, names from A; those who are equal by name. */
const sorted = ({ rows, sort, reversed }: Pick<TopState, 'rows' | 'sort' | 'reversed'>): TopRow[] => {
  const value: (row: TopRow) => number = {
    u: (row: TopRow) => -row.upMean,
    d: (row: TopRow) => -row.downMean,
    c: (row: TopRow) => -row.connections,
    l: (row: TopRow) => row.quotaLeft ?? Number.MAX_VALUE,
    n: () => 0,
  }[sort]
  const order = rows.toSorted((a, b) => value(a) - value(b) || (a.name < b.name ? -1 : 1))
  return reversed ? order.toReversed() : order
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']

/** Three digits are enough at a glance: `0B`, `999B`, `1.23MB`. */
export const shortBytes = (bytes: number): string => {
  let value = Math.round(bytes)
  let unit = 0
  while (Number(value.toPrecision(3)) >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))}${UNITS[unit]}`
}

const elapsed = (ms: number): string => {
  const minutes = Math.floor(ms / 60_000)
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24]
  if (days > 0) return `${days}d ${hours}h`
  return hours > 0 ? `${hours}h ${minutes % 60}m` : `${minutes}m`
}
