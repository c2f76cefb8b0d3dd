import type { z } from 'zod'
import { defaultText, flagText } from './config-text.ts'
import { optionsOf } from './config-options.ts'
import type { Option } from './config-options.ts'

/** What narrow terminals have; longer words stand over. */
const WIDTH = 80
const INDENT_MAX = 28
const EDGE = '  '

/** The headings of flags, in their order; one that is not among them comes before `storage`. */
const GROUPS = ['flags', 'listeners', 'limits', 'access', 'timeouts', 'storage', 'operation', 'information']

/** A term and what it means. */
export type Row = readonly [term: string, meaning: string]

/** A command line, and what it does. */
export interface Example {
  readonly does: string
  readonly line: string
}

/** One page of help, in the order in which it is printed. */
export interface Manual {
  /** One line: the name, and what it is. */
  readonly head: string
  readonly synopsis: readonly string[]
  /** Paragraphs. */
  readonly description?: readonly string[]
  readonly commands?: readonly Row[]
  readonly flags?: z.ZodObject
  readonly examples?: readonly Example[]
  /** More of the page, by heading: files, signals, exit status. */
  readonly sections?: Readonly<Record<string, readonly Row[]>>
}

/** A page of help as text, 80 columns wide. */
export function manualText(manual: Manual): string {
  const { synopsis, description = [], commands = [], flags, examples = [], sections = {} } = manual
  const parts: string[] = [
    ...wrap(manual.head, WIDTH),
    ...section('synopsis', synopsis),
    ...(description.length > 0 ? section('description', paragraphs(description)) : []),
    ...(commands.length > 0 ? section('commands', columns(commands)) : []),
    ...(flags === undefined ? [] : flagSections(flags)),
    ...(examples.length > 0 ? section('examples', examples.flatMap(exampleLines)) : []),
    ...Object.entries(sections).flatMap(([heading, rows]) => section(heading, columns(rows))),
  ]
  return `${parts.join('\n')}\n`
}

function flagSections(schema: z.ZodObject): string[] {
  const options = optionsOf(schema).filter((option) => option.onCommandLine)
  const groups = [...new Set(options.map(({ group }) => group))].toSorted((a, b) => rank(a) - rank(b))
  return groups.flatMap((group) => {
    const rows = options.filter((option) => option.group === group)
    return section(group, columns(rows.map((option) => [flagText(option), describe(option)])))
  })
}

const rank = (group: string): number =>
  GROUPS.includes(group) ? GROUPS.indexOf(group) : GROUPS.indexOf('storage') - 0.5

const section = (heading: string, lines: readonly string[]): string[] => [
  '',
  heading.toUpperCase(),
  ...lines.map((line) => (line === '' ? '' : EDGE + line)),
]

const paragraphs = (texts: readonly string[]): string[] =>
  texts.flatMap((text, index) => [...(index > 0 ? [''] : []), ...wrap(text, WIDTH - EDGE.length)])

const exampleLines = ({ does, line }: Example, index: number): string[] => [
  ...(index > 0 ? [''] : []),
  ...wrap(does, WIDTH - EDGE.length),
  `  ${line}`,
]

/** Two columns; a term that is too wide for the first has a line of its own. */
function columns(rows: readonly Row[]): string[] {
  const indent = Math.min(INDENT_MAX, Math.max(...rows.map(([term]) => term.length)) + 2)
  return rows.flatMap(([term, meaning]) => {
    const lines = wrap(meaning, WIDTH - EDGE.length - indent).map((line) => ' '.repeat(indent) + line)
    if (term.length + 2 > indent) return [term, ...lines]
    return [term.padEnd(indent) + (lines[0] ?? '').slice(indent), ...lines.slice(1)]
  })
}

/** What it means, and in brackets its default and its environment variables. */
function describe(option: Option): string {
  const isPlain = option.default === undefined || option.default === false || defaultText(option) === ''
  const facts = [...(isPlain || option.secret ? [] : [defaultText(option)]), ...option.env]
  return facts.length === 0 ? option.description : `${option.description} [${facts.join(', ')}]`
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
