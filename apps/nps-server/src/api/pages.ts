import type { PageQuery } from './schemas.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** The `cursor` of the next page; null: this is the last. */
  readonly next: string | null
}

/** One page of what is ordered by its id. What is added or removed meanwhile shifts nothing. */
export const pageOf = <T extends { readonly id: number }>(
  all: Iterable<T>,
  { limit, cursor = 0 }: PageQuery,
): Page<T> => {
  const items: T[] = []
  for (const item of all) {
    if (item.id <= cursor) continue
    if (items.length === limit) return { items, next: String(items.at(-1)!.id) }
    items.push(item)
  }
  return { items, next: null }
}

/** Whether one of `texts` has the search in it, whatever the case; or whether the id is just that. */
export const isFound = (
  search: string | undefined,
  id: number,
  texts: readonly (string | undefined)[],
): boolean => {
  if (search === undefined || search === '' || search === String(id)) return true
  const wanted = search.toLowerCase()
  return texts.some((text) => text?.toLowerCase().includes(wanted) === true)
}
