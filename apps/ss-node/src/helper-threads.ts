import { readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'

const TASKS = '/proc/self/task'
/** V8's for compiling and collecting garbage, and the store's; all alike, since they wait for each other. */
const NAMES: ReadonlySet<string> = new Set(['V8Worker', 'userstore'])
/** A tenth of what the event loop has, where both want the same core. */
const NICE = 10

/**
 * Has the other threads that work for long give way to the event loop. Otherwise it has a fifth of a core that it shares
 * with V8's four while they mark what thousands of new users have left, and all who are here wait for tens of ms. Only
 * Linux has priorities of threads; where they cannot be set all goes on as it was.
 */
export const putHelpersBehind = (): void => {
  if (process.platform !== 'linux') return
  try {
    const nice = Math.min(getPriority() + NICE, constants.priority.PRIORITY_LOW)
    for (const task of readdirSync(TASKS)) if (NAMES.has(nameOf(task))) setPriority(Number(task), nice)
  } catch {
    // There is no /proc, or we may not.
  }
}

const nameOf = (task: string): string => readFileSync(`${TASKS}/${task}/comm`, 'utf8').trim()
