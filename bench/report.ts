import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'prettier'
import type { Results, Run } from './results.ts'
import { sections } from './sections/all.ts'
import type { Case, Line, Section } from './sections/section.ts'

const FILE = join(import.meta.dirname, '../docs/performance.md')

const INTRODUCTION = `# Performance

Written by \`npm run bench\` from [its results](../bench/results.json); [bench/](../bench/README.md) says how to run a part
of it. The server under test has one core for itself, the load generator (client and target) another, over loopback.
Every sample is a fresh process; programs that are compared take turns, round by round. Figures are medians over the
rounds; a ratio is between medians of the same run. Times depend on the machine and ratios less so; differences under
some 15 % between runs mean nothing.
`

/** Writes docs/performance.md of all results that there are. */
export async function writeReport(results: Results): Promise<void> {
  const parts = [INTRODUCTION, '## Runs', ...results.runs.map(runText)]
  for (const section of sections) parts.push(sectionText(section, results))
  const options = { parser: 'markdown', printWidth: 110, semi: false, singleQuote: true }
  writeFileSync(FILE, await format(parts.join('\n\n'), options))
}

function runText({ id, date, command, machine, versions }: Run): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `**Run ${id}**, ${date}: \`${command}\`\n${machine}. ${programs.join(', ')}.`
}

function sectionText({ title, about, header, cases }: Section, results: Results): string {
  const lines = cases.flatMap((one) => {
    const kept = results.cases[one.key]
    if (kept === undefined) return [[one.key, 'not measured yet', ...header.slice(2).map(() => ''), '', '']]
    return one.lines(kept.result).map((line) => [...line.cells, verdict(line), String(kept.run)])
  })
  const columns = [...header, 'Met', 'Run']
  const table = [columns, columns.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`)
  return [`## ${title}`, about, table.join('\n')].join('\n\n')
}

const verdict = ({ met }: Line): string => (met === undefined ? '' : met ? 'yes' : '**no**')

/** Prints a case's lines for people. @returns whether no target was missed */
export function printCase(section: Section, one: Case, result: unknown): boolean {
  const lines = one.lines(result)
  const table = [section.header, ...lines.map(({ cells }) => cells)]
  const widths = section.header.map((_, column) =>
    Math.max(...table.map((cells) => cells[column]?.length ?? 0)),
  )
  const print = (cells: readonly string[], end: string): void =>
    console.log(`  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}  ${end}`)
  print(section.header, '')
  for (const line of lines) print(line.cells, verdict(line).replaceAll('*', '').replace('no', 'MISSED'))
  return lines.every(({ met }) => met !== false)
}
