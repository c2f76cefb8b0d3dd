import { createReadStream, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { ConfigError } from '@sluice/service'
import type { ProxiedRequest } from './https-proxy-client.ts'

/**
 * The body that `--body` names: `-` is standard input, `@FILE` a file, anything else a text.
 * @throws ConfigError for a file that cannot be read
 */
export const bodyOf = (
  written: string | undefined,
  stdin: Readable,
): Pick<ProxiedRequest, 'body' | 'bodyBytes'> => {
  if (written === '-') return { body: stdin }
  if (written === undefined || !written.startsWith('@')) return { body: written }
  const path = written.slice(1)
  try {
    const stat = statSync(path)
    if (stat.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
    // Of a pipe the size says nothing.
    return { body: createReadStream(path), bodyBytes: stat.isFile() ? stat.size : undefined }
  } catch (cause) {
    throw new ConfigError('CONFIG_INVALID', `--body: cannot read ${path} (${Object(cause).code})`, { cause })
  }
}
