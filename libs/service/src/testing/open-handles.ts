type Handles = Readonly<Record<string, number>>

/** Sockets and timers that keep this process alive, by kind. */
export const openHandles = (): Handles => {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) {
    if (/^(?:TCP|TLS|UDP|Timeout)/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

/**
 * How many more of each kind there are than there were, and than there have to be. What is gone of those before is not told: it
 * was another test's.
 */
export const moreHandles = (before: Handles, own: Handles = {}): Handles => {
  const more: Record<string, number> = {}
  for (const [kind, count] of Object.entries(openHandles())) {
    const by = count - (before[kind] ?? 0) - (own[kind] ?? 0)
    if (by > 0) more[kind] = by
  }
  return more
}
