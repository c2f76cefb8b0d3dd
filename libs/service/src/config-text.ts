import type { z } from 'zod'
import type { Loaded } from './config.ts'
import { optionsOf } from './config-options.ts'
import type { Option } from './config-options.ts'

/** What `--print-config` prints: a file that `--config` takes, secrets as `***`, each value with its source. */
export function printConfig(schema: z.ZodObject, { given }: Pick<Loaded<unknown>, 'given'>): string {
  const lines = optionsOf(schema)
    .filter((option) => option.inFile)
    .map((option) => {
      const { value, where } = given.get(option.key) ?? { value: option.default, where: 'default' }
      if (value === undefined) return `# ${option.flag}: not set`
      return `${option.flag}: ${JSON.stringify(option.redact(value))} # ${where.replaceAll(/\p{Cc}/gu, ' ')}`
    })
  return `${lines.join('\n')}\n`
}

/** The flags of a schema, and the keys that only a file can have, as a table for the documentation. */
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
    .filter((line) => /^\| `(?:--|[a-z-]+: )/.test(line))
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

/** `--http HOST:PORT`, or `rules: LIST` where only a file can hold it. */
export const flagText = ({ flag, placeholder, onCommandLine }: Option): string =>
  onCommandLine ? `--${flag}${placeholder && ` ${placeholder}`}` : `${flag}: ${placeholder}`

/** The default as it would be written on the command line. */
export const defaultText = (option: Option): string =>
  Array.isArray(option.default) ? option.default.join(',') : String(option.default)
