import { isFound } from '../pages.ts'
import type { Params } from './params.ts'
import type { Row } from './rows.ts'

const MAX_ROWS = 10_000

export interface Listed {
  readonly rows: readonly Row[]
  /** Of all that were found. */
  readonly total: number
}

/** What a list asks for: `search`, `sort` (such as `Remark` or `Flow.InletFlow`), `order`, and rows from `offset` on. */
export const listed = (
  rows: readonly Row[],
  params: Params,
  texts: (row: Row) => readonly (string | undefined)[],
): Listed => {
  const offset = params.number('offset') ?? 0
  const limit = Math.min(params.number('limit') || MAX_ROWS, MAX_ROWS)
  const search = params.text('search')
  const found = rows.filter((row) => isFound(search, row.Id, texts(row)))
  const sorted = inOrder(found, params.text('sort'), params.text('order'))
  return { rows: sorted.slice(offset, offset + limit), total: found.length }
}

const inOrder = (
  rows: readonly Row[],
  sort: string | undefined,
  order: string | undefined,
): readonly Row[] => {
  if (sort === undefined || sort === '') return rows
  const way = order === 'desc' ? -1 : 1
  return rows.toSorted((one, other) => way * compare(at(one, sort), at(other, sort)))
}

const at = (row: Row, path: string): unknown =>
  path
    .split('.', 3)
    .reduce<unknown>(
      (value, key) => (Object.hasOwn(Object(value), key) ? Object(value)[key] : undefined),
      row,
    )

const compare = (one: unknown, other: unknown): number => {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return String(one).localeCompare(String(other))
}
