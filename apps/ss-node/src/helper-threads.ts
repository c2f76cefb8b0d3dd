import { readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'

const TASKS = '/proc/self/task'
/** Those by which V8 compiles and collects garbage. */
const NAME = 'V8Worker'
/** A third of what the event loop has, where both want the same core: now and then it has to wait for them. */
const NICE = 5

/**
 * Has the threads of V8 give way to the event loop. Otherwise it has a fifth of a core that it shares with four of them
 * while they mark what thousands of new users have left, and all who are here wait for tens of ms. Only Linux has
 * priorities of threads; where they cannot be set all goes on as it was.
 */
export const putHelpersBehind = (): void => {
  if (process.platform !== 'linux') return
  try {
    const nice = Math.min(getPriority() + NICE, constants.priority.PRIORITY_LOW)
    for (const task of readdirSync(TASKS)) if (nameOf(task) === NAME) setPriority(Number(task), nice)
  } catch {
    // There is no /proc, or we may not.
  }
}

const nameOf = (task: string): string => readFileSync(`${TASKS}/${task}/comm`, 'utf8').trim()
