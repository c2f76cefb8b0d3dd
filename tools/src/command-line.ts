import { parseArgs } from 'node:util'

/** The message says what was wanted. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A number that a command takes: `least` to `most`. */
export interface NumberFlag {
  readonly least: number
  readonly most: number
  readonly whole?: boolean
  readonly otherwise: number
}

/** The targets that were named, all where none was, and each flag's number. */
export interface Chosen<Flag extends string> {
  readonly names: string[]
  readonly numbers: Record<Flag, number>
}

/**
 * Reads `[NAME …] [--FLAG N …]`; a lone `--` means nothing, since npm needs some and passes others on.
 * @throws UsageError
 */
export function readCommandLine<Flag extends string>(
  argv: readonly string[],
  names: readonly string[],
  flags: Readonly<Record<Flag, NumberFlag>>,
): Chosen<Flag> {
  const options = Object.fromEntries(Object.keys(flags).map((name) => [name, { type: 'string' as const }]))
  const args = argv.filter((word) => word !== '--')
  const { positionals, values } = parse(args, options)
  const unknown = positionals.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new UsageError(`'${unknown}' is none of ${names.join(', ')}`)
  const entries = Object.entries<NumberFlag>(flags)
  const numbers = entries.map(([name, flag]) => [name, readNumber(name, flag, values[name])])
  return {
    names: positionals.length === 0 ? [...names] : positionals,
    numbers: Object.fromEntries(numbers) as Record<Flag, number>,
  }
}

function parse(args: string[], options: Record<string, { type: 'string' }>): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function readNumber(name: string, { least, most, whole, otherwise }: NumberFlag, text: unknown): number {
  if (text === undefined) return otherwise
  const number = typeof text === 'string' && text !== '' ? Number(text) : Number.NaN
  if (number >= least && number <= most && (!whole || Number.isInteger(number))) return number
  throw new UsageError(`--${name} wants a ${whole ? 'whole ' : ''}number from ${least} to ${most}`)
}

/** Runs a command to its end: exit 2 with one line for bad usage, 1 for what failed; Ctrl-C leaves nothing behind. */
export async function runCommand(name: string, main: () => Promise<boolean>): Promise<void> {
  // A signal alone would end this process without its 'exit' handlers, and what it has started would stay.
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
  try {
    process.exitCode = (await main()) ? 0 : 1
  } catch (error) {
    console.error(error instanceof UsageError ? `${name}: ${error.message}` : error)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}
