import { parse } from 'yaml'
import { ConfigError } from './config-error.ts'
import type { Option } from './config-options.ts'
import { nearest } from './nearest.ts'

/** A value as it was written, and where: `--http`, `SLUICE_HTTP`, `sluice.yaml: http`. */
export interface Given {
  value: unknown
  where: string
}
export type Givens = Map<string, Given>

/** Words that are settings by their place on the command line. */
export interface Operands {
  /** As they stand in the synopsis, such as `[PORT]`. */
  readonly usage: string
  /**
   * By key of the schema what they come to, as it would be written behind its flag, and what an error calls it.
   * @param words one at least
   * @returns undefined where the first can be none of them: somebody means a command
   * @throws ConfigError where there are too many
   */
  read(words: readonly string[]): Givens | undefined
}

const FILE_MAX_CHARS = 1024 * 1024
const VALUE_MAX_CHARS = 64 * 1024

/**
 * `--flag value`, `--flag=value`, `--flag` and `--no-flag`; `--` ends them. Of a flag given twice the last counts,
 * lists add up.
 */
export function readFlags(
  argv: readonly string[],
  options: readonly Option[],
): { given: Givens; positionals: string[] } {
  const given: Givens = new Map()
  const positionals: string[] = []
  const words = argv.values()
  for (const word of words) {
    if (word === '--') positionals.push(...words)
    else if (word === '-' || !word.startsWith('-')) positionals.push(word)
    else {
      const [option, value] = readFlag(word, options, () => words.next().value)
      const before = option.list ? given.get(option.key) : undefined
      given.set(option.key, {
        value: before === undefined ? value : `${String(before.value)},${String(value)}`,
        where: `--${option.flag}`,
      })
    }
  }
  return { given, positionals }
}

/** @throws ConfigError where one of them is given as a flag as well */
export function readOperands(
  words: readonly string[],
  operands: Operands | undefined,
  flags: Givens,
): { given: Givens; positionals: string[] } {
  const given = words.length > 0 ? operands?.read(words) : undefined
  if (given === undefined) return { given: new Map(), positionals: [...words] }
  const twice = [...given].find(([key]) => flags.has(key))
  if (twice === undefined) return { given, positionals: [] }
  const [key, { where }] = twice
  throw new ConfigError('USAGE', `${where} and ${flags.get(key)!.where} are the same setting: give one`)
}

function readFlag(
  word: string,
  options: readonly Option[],
  next: () => string | undefined,
): [Option, string | boolean] {
  const [, name = '', inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word === '-h' ? '--help' : word) ?? []
  const known = options.filter((option) => option.onCommandLine)
  const option = known.find((each) => each.flag === name)
  if (option?.boolean) return [option, inline === undefined || truth(inline)]
  if (option) return [option, inline ?? checked(next(), option)]
  const negated =
    inline === undefined ? known.find((each) => each.boolean && `no-${each.flag}` === name) : undefined
  if (negated) return [negated, false]
  const names = known.flatMap((each) => [`--${each.flag}`, ...(each.boolean ? [`--no-${each.flag}`] : [])])
  throw new ConfigError('USAGE', unknown(name === '' ? word : `--${name}`, 'flag', names))
}

function checked(value: string | undefined, option: Option): string {
  if (value !== undefined && !/^--[a-z]/.test(value)) return value
  throw new ConfigError('USAGE', `--${option.flag}: no value, wanted ${option.wanted}`)
}

/** An empty variable is as good as none. */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  options: readonly Option[],
): Givens {
  const given: Givens = new Map()
  for (const option of options) {
    const where = option.env.find((name) => (env[name] ?? '') !== '')
    if (where === undefined) continue
    const value = env[where] ?? ''
    given.set(option.key, { value: option.boolean ? truth(value) : value, where })
  }
  return given
}

/**
 * Variables that look like ours with a slip. They cannot be refused as keys and flags are: the environment is shared
 * with other programs, and an orchestrator may add names of its own (`SLUICE_PORT`).
 */
export function doubtfulEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  options: readonly Option[],
): string[] {
  const known = options.flatMap((option) => option.env)
  const ours = Object.keys(env).filter((name) => name.startsWith('SLUICE_') && !known.includes(name))
  return ours
    .filter((name) => nearest(name, known) !== undefined)
    .map((name) => unknown(name, 'variable', known))
}

/** A YAML or JSON file of one level whose keys are the flags' names. `ignored` are keys that belong to others. */
export function readFile(
  path: string,
  contents: string,
  options: readonly Option[],
  ignored: readonly Option[],
): Givens {
  const given: Givens = new Map()
  for (const [name, value] of Object.entries(parseFile(path, contents))) {
    const option = options.find((each) => each.inFile && each.flag === name)
    if (option) given.set(option.key, { value, where: `${path}: ${name}` })
    else if (!ignored.some((each) => each.inFile && each.flag === name)) {
      const known = [...options, ...ignored].filter((each) => each.inFile).map((each) => each.flag)
      throw new ConfigError('CONFIG_INVALID', `${path}: ${unknown(name, 'key', known)}`)
    }
  }
  return given
}

function parseFile(path: string, contents: string): object {
  if (contents.length > FILE_MAX_CHARS) throw new ConfigError('CONFIG_INVALID', `${path}: larger than 1 MiB`)
  const value = yamlOf(path, contents)
  if (value === null || value === undefined) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value
  throw new ConfigError('CONFIG_INVALID', `${path}: wanted keys with values, such as "log-level: info"`)
}

function yamlOf(path: string, contents: string): unknown {
  try {
    // JSON is YAML too, and this parser refuses a key that is given twice.
    return parse(contents, { prettyErrors: false, logLevel: 'error' })
  } catch (error) {
    const at =
      error instanceof Error && 'pos' in error && Array.isArray(error.pos) ? Number(error.pos[0]) : undefined
    // Neither the parser's own message nor its error as the cause: it may quote the line, and that may hold a secret.
    const line = at === undefined ? '' : `line ${contents.slice(0, at).split('\n').length} is `
    throw new ConfigError('CONFIG_INVALID', `${path}: ${line}neither YAML nor JSON`)
  }
}

/** `true` and `false` in the spellings of shells; anything else stays a text, which is no truth value. */
function truth(written: string): boolean | string {
  if (/^(true|yes|on|1)$/i.test(written)) return true
  return /^(false|no|off|0)$/i.test(written) ? false : written
}

function unknown(name: string, kind: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return `${name.slice(0, 80)}: unknown ${kind}${meant === undefined ? '' : `, did you mean ${meant}?`}`
}

/** No input is unbounded. */
export function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > VALUE_MAX_CHARS
}
