import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sluice } from '../peers/sluice.ts'
import { SERVER_CORE } from '../process.ts'
import { COMPARISON_HEADER, compare } from './comparison.ts'
import type { Case, Section } from './section.ts'

const MICRO = join(import.meta.dirname, '../micro.ts')
const NODE_FLAGS = ['--conditions=@sluice/source', '--disable-warning=ExperimentalWarning']

/** Nanoseconds a grant, in a process of its own: a warm loop of one round must not favour the next. */
async function nanoseconds(limits: string): Promise<number> {
  const args = ['-c', String(SERVER_CORE), process.execPath, ...NODE_FLAGS, MICRO, limits]
  const { stdout } = await promisify(execFile)('taskset', args)
  return Number(stdout)
}

function grantCase(limits: string, label: string): Case {
  return compare({
    key: `grant/${limits}`,
    label,
    peers: [sluice],
    targets: { atMost: 10 },
    sample: () => nanoseconds(limits),
  })
}

export const grant: Section = {
  project: 'ratelimit',
  title: 'A grant that need not wait: nanoseconds of CPU time',
  about: `[One flow in a loop](../bench/micro.ts), 16 KiB a grant; the median of ten batches of 5 million, each round in a fresh
process. An unlimited lane holds no limiter, so it costs nothing.`,
  header: COMPARISON_HEADER,
  cases: [grantCase('user', 'user limit'), grantCase('node-and-user', 'user and node limit')],
}
