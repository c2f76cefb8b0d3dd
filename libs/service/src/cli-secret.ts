import { randomInt } from 'node:crypto'
import { ConfigError } from './config-error.ts'

// No letters that look alike, and nothing that a shell, a URL or a configuration file would want quoted.
const LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const LENGTH = 24
const STDIN_MAX_BYTES = 64 * 1024

/** A password of 139 random bits. */
export function makePassword(): string {
  return Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('')
}

/** All of standard input without one trailing newline; as bytes, since a password need not be text. */
export async function readSecret(stdin: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  return withoutNewline(await readAll(stdin))
}

/**
 * The secrets that flags ask for, by flag: all of standard input for a single one, a line each for several, in the order
 * of the flags.
 */
export async function readSecrets<F extends string>(
  stdin: AsyncIterable<Uint8Array | string>,
  flags: readonly F[],
): Promise<ReadonlyMap<F, Uint8Array>> {
  const [first, second] = flags
  if (first === undefined) return new Map()
  if (second === undefined) return new Map([[first, await readSecret(stdin)]])
  const lines = linesOf(await readAll(stdin))
  if (lines.length === flags.length) return new Map(flags.map((flag, nth) => [flag, lines[nth]!]))
  throw new ConfigError(
    'USAGE',
    `standard input: wanted ${flags.length} lines, one for each flag, got ${lines.length}`,
  )
}

async function readAll(stdin: AsyncIterable<Uint8Array | string>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stdin) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    size += bytes.length
    if (size > STDIN_MAX_BYTES) throw new ConfigError('USAGE', 'standard input: longer than 64 KiB')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

function linesOf(input: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let at = 0; at < input.length;) {
    const newline = input.indexOf(0x0a, at)
    const end = newline === -1 ? input.length : newline + 1
    lines.push(withoutNewline(input.subarray(at, end)))
    at = end
  }
  return lines
}

function withoutNewline(line: Buffer): Buffer {
  if (line.at(-1) !== 0x0a) return line
  return line.subarray(0, line.at(-2) === 0x0d ? -2 : -1)
}
