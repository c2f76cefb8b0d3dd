import { execFileSync } from 'node:child_process'
import { getPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const FLAGS = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', '--input-type=module']
const MODULE = fileURLToPath(new URL('helper-threads.ts', import.meta.url))
/** In a process of its own: nobody gets a priority back. */
const SCRIPT = `
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { putHelpersBehind } from ${JSON.stringify(MODULE)}
putHelpersBehind()
const nameOf = (task) => readFileSync('/proc/self/task/' + task + '/comm', 'utf8').trim()
const tasks = readdirSync('/proc/self/task').map(Number)
console.log(JSON.stringify(tasks.map((task) => [task === process.pid ? 'main' : nameOf(task), getPriority(task)])))`

it.runIf(process.platform === 'linux')('give way to the event loop, and nobody else does', () => {
  const out = execFileSync(process.execPath, [...FLAGS, '-e', SCRIPT], { encoding: 'utf8' })
  const tasks = JSON.parse(out) as [string, number][]
  const ours = getPriority()
  const behind = Math.min(ours + 5, 19)
  const nices = (isMeant: (name: string) => boolean): number[] => [
    ...new Set(tasks.filter(([name]) => isMeant(name)).map(([, nice]) => nice)),
  ]
  const isHelper = (name: string): boolean => name === 'V8Worker'
  expect(nices((name) => !isHelper(name))).toEqual([ours])
  // Older versions of Node give them no name.
  if (tasks.some(([name]) => isHelper(name))) expect(nices(isHelper)).toEqual([behind])
})
