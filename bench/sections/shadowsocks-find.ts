import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../peers/sluice.ts'
import { ssNode } from '../peers/ss-node.ts'
import { SERVER_CORE } from '../process.ts'
import { COMPARISON_HEADER, compareFigures, type Targets } from './comparison.ts'
import type { Case, Section } from './section.ts'

const SCRIPT = join(ROOT, 'apps/ss-node/src/testing/find-time.ts')
const NODE_FLAGS = ['--conditions=@sluice/source', '--disable-warning=ExperimentalWarning']

/** Milliseconds by figure, in a process of its own. */
async function figuresOf(measure: string): Promise<Record<string, number>> {
  const args = ['-c', String(SERVER_CORE), process.execPath, ...NODE_FLAGS, SCRIPT, measure]
  const { stdout } = await promisify(execFile)('taskset', args)
  return JSON.parse(stdout) as Record<string, number>
}

/** @param figures labels and targets, by what the script calls them */
function findCase(measure: string, figures: Record<string, readonly [label: string, atMost: number]>): Case {
  const targets = Object.values(figures).map(([label, atMost]): [string, Targets] => [label, { atMost }])
  return compareFigures({
    key: `shadowsocks/find/${measure}`,
    figures: Object.fromEntries(targets),
    peers: [ssNode('aes-256-gcm')],
    sample: async () => {
      const found = await figuresOf(measure)
      return Object.fromEntries(Object.entries(figures).map(([name, [label]]) => [label, found[name]!]))
    },
  })
}

export const shadowsocksFind: Section = {
  project: 'ss-node',
  title: 'Shadowsocks, whose request it is among 1,000 users on one port: milliseconds',
  about: `[Requests handed over in memory](../apps/ss-node/src/testing/find-time.ts), each round in a fresh process. With aes-256-gcm
the keys are tried: the 99th percentile of 4,000 requests from addresses where the user was seen before, and of 50 from
new ones, each of a user who is tried last. Then 200 strangers who have no key, at once, each from a network of its own: the
longest that the event loop took to go round within 2 s. With 2022-blake3-aes-256-gcm users are named in an identity
header: the median of 3,000.`,
  header: COMPARISON_HEADER,
  cases: [
    findCase('shared', {
      known: ['known address, p99', 0.2],
      cold: ['new address, p99', 25],
    }),
    findCase('flood', { stretch: ['strangers: longest stretch', 10] }),
    findCase('identity', { identity: ['identity header, median', 0.1] }),
  ],
}
