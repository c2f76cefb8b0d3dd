/** Characters of a file. */
export const MAX_INI_CHARS: number = 1024 * 1024

export interface IniEntry {
  readonly key: string
  readonly value: string
  readonly line: number
}

/** The entries in front of all sections are in one without a name. */
export interface IniSection {
  readonly name: string
  readonly line: number
  readonly entries: readonly IniEntry[]
}

/** Lines count from 1. Values are never repeated. */
export interface IniProblem {
  readonly line: number
  readonly message: string
}

/** Reads the value of a key; a text says what is wrong with it. */
export type IniReader<T> = (value: string) => { readonly value: T } | string

/** Readers by field: `bridge_port` in the file is the field `bridgePort`. */
export type IniFields<T> = { readonly [K in keyof T]-?: IniReader<NonNullable<T[K]>> }

/** Sections in their order. A `#` or `;` makes a comment where it is the first character of a line. */
export function parseIni(text: string, problems: IniProblem[]): IniSection[] {
  const sections: { name: string; line: number; entries: IniEntry[] }[] = [{ name: '', line: 1, entries: [] }]
  if (text.length > MAX_INI_CHARS) {
    problems.push({ line: 1, message: `more than ${MAX_INI_CHARS} characters` })
    return sections
  }
  for (const [index, raw] of withoutMark(text).split('\n').entries()) {
    const [line, content] = [index + 1, raw.trim()]
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue
    if (content.startsWith('[') && content.endsWith(']')) {
      sections.push({ name: content.slice(1, -1).trim(), line, entries: [] })
      continue
    }
    const at = content.indexOf('=')
    if (at <= 0) problems.push({ line, message: 'neither a section nor a key with a value' })
    else sections.at(-1)!.entries.push(entryOf(content, at, line))
  }
  return sections
}

/**
 * What the entries say of these fields, the last one where there are several. An entry without a value says nothing.
 * @param unknown where entries go whose key is no field
 */
export function readIniFields<T>(
  entries: readonly IniEntry[],
  fields: IniFields<T>,
  problems: IniProblem[],
  unknown: IniEntry[],
): Partial<T> {
  const found: Record<string, unknown> = {}
  for (const entry of entries) {
    const name = entry.key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    if (!Object.hasOwn(fields, name) || /[A-Z]/.test(entry.key)) unknown.push(entry)
    else if (entry.value.includes('{{')) problems.push(problem(entry, 'a template that nobody has filled in'))
    else if (entry.value !== '') {
      const outcome = fields[name as keyof T](entry.value)
      if (typeof outcome === 'string') problems.push(problem(entry, outcome))
      else found[name] = outcome.value
    }
  }
  return found as Partial<T>
}

const problem = ({ line, key }: IniEntry, message: string): IniProblem => ({
  line,
  message: `${key}: ${message}`,
})

function entryOf(content: string, at: number, line: number): IniEntry {
  const value = content.slice(at + 1).trim()
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"')
  return { key: content.slice(0, at).trim(), value: isQuoted ? value.slice(1, -1) : value, line }
}

const withoutMark = (text: string): string => (text.startsWith('\uFEFF') ? text.slice(1) : text)
