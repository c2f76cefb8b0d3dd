import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../docs/conformance.md'), 'utf8')
const OURS = 'remote-proxy'

/** A table of docs/conformance.md: its servers, and by case what each of them answers, and why they differ. */
interface Table {
  readonly servers: readonly string[]
  readonly rows: ReadonlyMap<string, { readonly answers: Record<string, string>; readonly why: string }>
}

const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

const readTable = (heading: string): Table => {
  const section = DOCUMENT.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const [head = '', , ...lines] = section.split('\n').filter((line) => line.startsWith('|'))
  const servers = cellsOf(head).slice(1, -1)
  const rows = lines.map(cellsOf).map((cells) => {
    const answers = Object.fromEntries(servers.map((name, at) => [name, cells[at + 1] ?? '']))
    return [cells[0] ?? '', { answers, why: cells.at(-1) ?? '' }] as const
  })
  return { servers, rows: new Map(rows) }
}

/** Holds a table to what its servers answer, and to a reason wherever one of them differs from ours. */
export const conform = <Case>(
  heading: string,
  cases: Readonly<Record<string, Case>>,
  ask: (server: string, one: Case) => Promise<string>,
): void => {
  const { servers: names, rows } = readTable(heading)
  test('the cases are those of the document', () => {
    expect([...rows.keys()]).toEqual(Object.keys(cases))
  })
  test.concurrent.each(Object.entries(cases))('%s', async (name, one) => {
    const asked = names.map(async (server) => [server, await ask(server, one)] as const)
    const answers = Object.fromEntries(await Promise.all(asked))
    expect(answers).toEqual(rows.get(name)?.answers)
  })
  test.each(Object.keys(cases))('%s: a difference has its reason', (name) => {
    const { answers, why } = rows.get(name) ?? { answers: {}, why: '' }
    const differs = Object.values(answers).some((answer) => answer !== answers[OURS])
    expect(why !== '').toBe(differs)
  })
}
