import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { format } from 'prettier'

const FILE = join(import.meta.dirname, 'results.json')

/** Under which circumstances results came about. */
export interface Run {
  id: number
  date: string
  command: string
  machine: string
  /** By program. */
  versions: Record<string, string>
}

/** What is known: the newest result of each case, and the runs that they are from. */
export interface Results {
  runs: Run[]
  cases: Record<string, { run: number; result: unknown }>
}

export function readResults(): Results {
  if (!existsSync(FILE)) return { runs: [], cases: {} }
  const results: Results = JSON.parse(readFileSync(FILE, 'utf8'))
  return results
}

/** The description of a run that begins now, with a number that no earlier run has. */
export function beginRun(results: Results, command: string, versions: Record<string, string>): Run {
  const id = Math.max(0, ...results.runs.map((run) => run.id)) + 1
  return { id, date: new Date().toISOString().slice(0, 10), command, machine: describeMachine(), versions }
}

/** Puts a case's new result in place of its old one and writes the file; runs with no case left are dropped. */
export async function keepResult(results: Results, run: Run, key: string, result: unknown): Promise<void> {
  if (!results.runs.includes(run)) results.runs.push(run)
  results.cases[key] = { run: run.id, result }
  const used = new Set(Object.values(results.cases).map((kept) => kept.run))
  results.runs = results.runs.filter(({ id }) => used.has(id))
  writeFileSync(FILE, await format(JSON.stringify(results), { parser: 'json', printWidth: 110 }))
}

function describeMachine(): string {
  const cores = cpus()
  const model = cores[0]?.model.trim() ?? 'unknown processor'
  const gib = Math.round(totalmem() / 2 ** 30)
  return `${model}, ${cores.length} cores, ${gib} GiB, ${type()} ${release()} ${arch()}`
}
