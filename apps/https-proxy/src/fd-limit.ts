import { readFileSync } from 'node:fs'

/** For what is open besides connections and requests: store, logs, listeners, the ops port. */
const RESERVE = 256

/** How many files a process may have open, as `/proc/PID/limits` tells; Node has raised the limit as far as it may. */
export const parseFdLimit = (limits: string): number | undefined => {
  const [, soft] = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits) ?? []
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? Infinity : Number(soft)
}

/** That of this process; undefined where the system does not tell. */
export const readFdLimit = (): number | undefined => {
  try {
    return parseFdLimit(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return undefined
  }
}

/** How many of the connections that are wanted fit, if each slot may need two files: for an origin that works, and one that rests. One at least. */
export const fittingConnections = (
  { maxConnections, slots }: { readonly maxConnections: number; readonly slots: number },
  limit: number | undefined,
): number =>
  limit === undefined ? maxConnections : Math.max(1, Math.min(maxConnections, limit - 2 * slots - RESERVE))
