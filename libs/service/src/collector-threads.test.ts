import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

interface Seen {
  readonly held: number
  readonly own: number
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** In a process of its own, since a thread that has given way does so for good. */
const hold = (processors: number, flags: readonly string[] = []): Seen => {
  const program = `import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { holdBackCollector } from './collector-threads.ts'
const task = '/proc/self/task'
const isWorker = (thread) => readFileSync(task + '/' + thread + '/comm', 'utf8').trim() === 'V8Worker'
const priorities = () => readdirSync(task).filter(isWorker).map((thread) => getPriority(Number(thread)))
const before = priorities()
const held = holdBackCollector(${processors})
const kept = []
// All that a collector does, with what it was told.
for (let turn = 0; turn < 400_000; turn++) {
  kept.push({ turn, more: [turn, { turn }] })
  if (kept.length > 100_000) kept.splice(0, 50_000)
}
globalThis.gc?.()
console.log(JSON.stringify({ held, own: getPriority(), before, after: priorities() }))`
  const node = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', '--input-type=module']
  const out = execFileSync(process.execPath, [...node, ...flags, '-e', program], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    timeout: 50_000,
  })
  return JSON.parse(out) as Seen
}

/** Where threads have names that tell what they are for. */
const isKnown = process.platform === 'linux' && Number(process.versions.node.split('.', 1)[0]) >= 24

test.runIf(isKnown)(
  'on one processor the threads of V8 give way, and ours does not',
  () => {
    const { held, own, before, after } = hold(1, ['--expose-gc'])
    expect(held).toBeGreaterThan(0)
    expect(before).toEqual(Array(held).fill(own))
    expect(after).toEqual(Array(held).fill(Math.min(19, own + 10)))
  },
  60_000,
)

test.runIf(isKnown)(
  'where there are more, all is as it was',
  () => {
    const { held, own, before, after } = hold(2)
    expect(held).toBe(0)
    expect(after).toEqual(before)
    expect(new Set(after)).toEqual(new Set([own]))
  },
  60_000,
)
