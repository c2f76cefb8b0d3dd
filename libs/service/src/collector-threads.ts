import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, constants, getPriority, setPriority } from 'node:os'
import { setFlagsFromString } from 'node:v8'

const TASKS = '/proc/self/task'
/** What Node calls the threads that work for V8. */
const NAME = 'V8Worker'
/** Such a thread gets a tenth of what one of ours gets that wants the processor, too. */
const NICER = 10

/** What we would wait for: done by them, it would wait for whoever else is on the processor. */
const OURS = ['scavenge', 'compaction', 'pointer-update'] as const

/**
 * Has V8's threads give way to the program where both are on one processor. V8 marks a large heap, as thousands of requests
 * that wait make it or thousands of new users, in four threads besides ours: we would have a fifth of the processor meanwhile,
 * and nobody an answer for a third of a second. To be called when a program starts.
 * @returns how many threads give way; 0 where there are more processors, or where threads cannot be told apart
 */
export const holdBackCollector = (processors: number = availableParallelism()): number => {
  if (processors > 1) return 0
  const threads = collectorThreads().filter(giveWay)
  if (threads.length > 0) for (const part of OURS) setFlagsFromString(`--no-parallel-${part}`)
  return threads.length
}

const collectorThreads = (): number[] => {
  try {
    return readdirSync(TASKS).map(Number).filter(isCollector)
  } catch {
    // Only Linux shows them.
    return []
  }
}

const isCollector = (thread: number): boolean =>
  readFileSync(`${TASKS}/${thread}/comm`, 'utf8').trim() === NAME

/** @returns whether the system has it do so */
const giveWay = (thread: number): boolean => {
  try {
    setPriority(thread, Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICER))
    return true
  } catch {
    return false
  }
}
