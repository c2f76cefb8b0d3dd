// Loaded into the program under test before its own code (--import): on SIGUSR2 it collects garbage, and prints what is left,
// as a line of the log.
import { queryObjects } from 'node:v8'

const timer = setTimeout(() => {}, 0)
clearTimeout(timer)
const Timer = timer.constructor

process.on('SIGUSR2', () => {
  // Collects garbage first.
  const timers = queryObjects(Timer, { format: 'count' })
  const { heapUsed, external } = process.memoryUsage()
  process.stdout.write(
    `${JSON.stringify({ level: 'info', timers, bytes: heapUsed + external, msg: 'remains' })}\n`,
  )
})
