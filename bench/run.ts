// npm run bench [-- remote-proxy|ss-node|relay|https-proxy|nps-server|ratelimit] [-- --only NAME --rounds N …]: measures, prints, writes docs/performance.md.
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Lab, chosen } from './lab.ts'
import { build, LOADS } from './load.ts'
import type { Peer } from './peers/peer.ts'
import { killAll } from './process.ts'
import { printCase, writeReport } from './report.ts'
import { beginRun, keepResult, readResults } from './results.ts'
import { sections } from './sections/all.ts'
import type { Case, Section } from './sections/section.ts'

const MIN_ROUNDS = 5

const HELP = `npm run bench [-- PROJECT …] [-- flags]
PROJECT is remote-proxy, ss-node, relay, https-proxy, nps-server or ratelimit; all where none is given.
  --only NAME    only this case, or all whose names begin with NAME/; may be repeated
  --rounds N     samples of each program (${MIN_ROUNDS})
  --secs S       length of a measured window, to try something out
  --peers A,B    only these programs, to try something out; without sluice, ours need not exist
  --list         print the cases' names
Results with fewer rounds, another window or fewer programs are printed but not kept.`

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string', default: String(MIN_ROUNDS) },
    secs: { type: 'string' },
    peers: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const wanted = sections.flatMap((section) =>
  section.cases.filter((one) => isWanted(section, one)).map((one) => ({ section, one })),
)

function isWanted(section: Section, { key }: Case): boolean {
  if (positionals.length > 0 && !positionals.includes(section.project)) return false
  return flags.only?.some((name) => key === name || key.startsWith(`${name}/`)) ?? true
}

/** Looks for every program that the wanted cases need, before hours are spent. @returns their versions */
function checkPeers(lab: Lab): Record<string, string> {
  const needed = new Set<Peer>(wanted.flatMap(({ one }) => one.peers))
  for (const peer of chosen(lab, [...needed])) check(lab, peer)
  const versions = chosen(lab, [...needed]).map((peer) => [peer.name, peer.version()])
  return Object.fromEntries([['Node', process.versions.node], ...versions])
}

function check(lab: Lab, peer: Peer): void {
  try {
    peer.check()
  } catch (error) {
    if (!peer.optional) throw error
    if (lab.absent.has(peer.name)) return
    lab.absent.add(peer.name)
    lab.log(`${peer.name} is left out. ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function main(lab: Lab): Promise<void> {
  if (wanted.length === 0) throw new Error('no case of that name: see --list')
  if (availableParallelism() < 2)
    throw new Error('two cores are needed: one for the server, one for the load')
  const versions = checkPeers(lab)
  for (const tool of new Set(wanted.flatMap(({ section }) => LOADS[section.project]))) build(tool)
  const results = readResults()
  const run = beginRun(results, ['npm run bench --', ...process.argv.slice(2)].join(' '), versions)
  const keep = lab.rounds >= MIN_ROUNDS && lab.secs === undefined && lab.peers === undefined
  for (const { section, one } of wanted) {
    console.log(`${one.key}: ${section.title}`)
    try {
      const result = await one.measure(lab)
      if (!printCase(section, one, result)) process.exitCode = 1
      if (keep) await keepResult(results, run, one.key, result)
    } catch (error) {
      complain(error)
    }
  }
  if (keep) await writeReport(results)
  else console.log('Not kept: too few rounds, --secs or --peers.')
}

if (flags.help) console.log(HELP)
else if (flags.list) for (const { one } of wanted) console.log(one.key)
else await inLab(main)

function complain(error: unknown): void {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** Gives `work` a folder of its own, and leaves nothing behind, on signals either. */
async function inLab(work: (lab: Lab) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const cleanUp = (): void => {
    killAll()
    rmSync(dir, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => (cleanUp(), process.exit(130)))
  try {
    const secs = flags.secs === undefined ? undefined : Number(flags.secs)
    const peers = flags.peers?.split(',')
    const rounds = Number(flags.rounds)
    await work({ dir, rounds, secs, peers, absent: new Set(), log: console.log })
  } catch (error) {
    complain(error)
  } finally {
    cleanUp()
  }
}
