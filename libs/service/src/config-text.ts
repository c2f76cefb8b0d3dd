import type { z } from 'zod'
import type { Loaded } from './config.ts'
import { optionsOf } from './config-options.ts'
import type { Option } from './config-options.ts'

const WIDTH = 100

/** What `--help` prints: `intro`, then every flag with what it means and its default. */
export function helpText(schema: z.ZodObject, intro: string): string {
  const rows = optionsOf(schema)
    .filter((option) => option.onCommandLine)
    .map((option) => [flagText(option), describe(option)] as const)
  const indent = Math.min(32, Math.max(...rows.map(([flag]) => flag.length)) + 4)
  const lines = rows.map(([flag, text]) => {
    const [first = '', ...rest] = wrap(text, WIDTH - indent)
    const head = `  ${flag}`
    const body = [first, ...rest].map((line) => ' '.repeat(indent) + line)
    if (head.length + 2 > indent) return [head, ...body].join('\n')
    return [head.padEnd(indent) + first, ...body.slice(1)].join('\n')
  })
  return `${intro.trimEnd()}\n\n${lines.join('\n')}\n`
}

/** What `--print-config` prints: a file that `--config` takes, secrets as `***`, each value with its source. */
export function printConfig(schema: z.ZodObject, { given }: Pick<Loaded<unknown>, 'given'>): string {
  const lines = optionsOf(schema)
    .filter((option) => option.inFile)
    .map((option) => {
      const { value, where } = given.get(option.key) ?? { value: option.default, where: 'default' }
      if (value === undefined) return `# ${option.flag}: not set`
      return `${option.flag}: ${JSON.stringify(option.secret ? '***' : value)} # ${where.replaceAll(/\p{Cc}/gu, ' ')}`
    })
  return `${lines.join('\n')}\n`
}

/** The flags of a schema as a table for the documentation. */
export function configTable(schema: z.ZodObject): string {
  const head = [
    ['Flag', 'Environment', 'Default', 'Meaning'],
    ['---', '---', '---', '---'],
  ]
  return `${[...head, ...tableRows(schema)].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

/**
 * How a page differs from `configTable`: one line for each row that is missing, wrong or too much. A page may hold
 * further columns to the right. For tests: `expect(configDrift(schema, page)).toEqual([])`.
 */
export function configDrift(schema: z.ZodObject, page: string): string[] {
  const wanted = tableRows(schema).map((cells) => cells.join(' | '))
  const found = page
    .split('\n')
    .filter((line) => line.startsWith('| `--'))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, 5)
        .map((cell) => cell.trim())
        .join(' | '),
    )
  return [
    ...wanted.filter((row) => !found.includes(row)).map((row) => `missing: ${row}`),
    ...found.filter((row) => !wanted.includes(row)).map((row) => `not in the schema: ${row}`),
  ]
}

function tableRows(schema: z.ZodObject): string[][] {
  return optionsOf(schema).map((option) => [
    code(flagText(option)),
    option.env.map(code).join(' ') || 'none',
    option.default === undefined || option.secret ? 'none' : code(defaultText(option)),
    option.description.replaceAll('|', '\\|'),
  ])
}

const code = (text: string): string => (text === '' ? 'none' : `\`${text.replaceAll('|', '\\|')}\``)

const flagText = ({ flag, placeholder }: Option): string => `--${flag}${placeholder && ` ${placeholder}`}`

const defaultText = (option: Option): string =>
  Array.isArray(option.default) ? option.default.join(',') : String(option.default)

function describe(option: Option): string {
  const isPlain = option.default === undefined || option.default === false || defaultText(option) === ''
  return isPlain || option.secret ? option.description : `${option.description} (${defaultText(option)})`
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
