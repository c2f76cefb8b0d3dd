/** Entries of each list that cross threads at a time: to read more at once would hold up the thread that gets them. */
export const PAGE_ENTRIES = 100

/** An object of lists in pieces, at least one: the nth piece has the nth 100 entries of each list. */
export function pagesOf<T extends { [K in keyof T]: readonly unknown[] }>(lists: T): T[] {
  const entries = Object.entries<readonly unknown[]>(lists)
  const longest = Math.max(0, ...entries.map(([, list]) => list.length))
  const pages: T[] = []
  for (let at = 0; at === 0 || at < longest; at += PAGE_ENTRIES) {
    const page = entries.map(([key, list]) => [key, list.slice(at, at + PAGE_ENTRIES)])
    // The same keys as T, with lists of the same kind.
    pages.push(Object.fromEntries(page) as T)
  }
  return pages
}
