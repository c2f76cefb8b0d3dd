/** Sockets and timers that keep a process alive, by kind. */
export const openHandles = (): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) {
    if (/^(?:TCP|TLS|Timeout)/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}
