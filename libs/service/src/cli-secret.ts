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
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stdin) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    size += bytes.length
    if (size > STDIN_MAX_BYTES) throw new ConfigError('USAGE', 'standard input: longer than 64 KiB')
    chunks.push(bytes)
  }
  const secret = Buffer.concat(chunks)
  if (secret.at(-1) !== 0x0a) return secret
  return secret.subarray(0, secret.at(-2) === 0x0d ? -2 : -1)
}
