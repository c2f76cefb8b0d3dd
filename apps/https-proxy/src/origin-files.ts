import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ConfigError } from '@sluice/service'
import { parse } from 'yaml'
import { z } from 'zod'
import type { OriginConfig } from './origin-config.ts'
import type { ClientCertificate } from './upstream/origin-trust.ts'

export interface OriginFiles {
  readonly ca: string | undefined
  readonly certs: ReadonlyMap<string, ClientCertificate>
  readonly insecureHosts: ReadonlySet<string>
}

const MAX_CERTS = 1000
const MAX_CHARS = 1024 * 1024
const pathText = z.string().min(1).max(4096)
const CERTS = z.record(z.string(), z.strictObject({ cert: pathText, key: pathText }))

/** What the settings name. @throws ConfigError that says which file is of no use */
export const readOriginFiles = ({
  originCa,
  originCerts,
  insecureOrigin,
}: Pick<OriginConfig, 'originCa' | 'originCerts' | 'insecureOrigin'>): OriginFiles => ({
  ca: originCa === undefined ? undefined : read('--origin-ca', originCa),
  certs: originCerts === undefined ? new Map() : readCerts(originCerts),
  insecureHosts: new Set(insecureOrigin),
})

const FLAG = '--origin-certs'

/** Files that a relative path names are looked for beside the list. */
const readCerts = (list: string): Map<string, ClientCertificate> => {
  const entries = Object.entries(entriesOf(list))
  if (entries.length > MAX_CERTS) throw useless(FLAG, list, `more than ${MAX_CERTS} origins`)
  const beside = (path: string): string => read(FLAG, resolve(dirname(list), path))
  return new Map(
    entries.map(([written, { cert, key }]) => {
      const origin = URL.parse(written)?.origin
      if (!origin?.startsWith('https://'))
        throw useless(FLAG, list, `${JSON.stringify(written.slice(0, 80))} is no https origin`)
      return [origin, { cert: beside(cert), key: beside(key) }]
    }),
  )
}

const entriesOf = (list: string): z.output<typeof CERTS> => {
  const text = read(FLAG, list)
  try {
    return CERTS.parse(parse(text, { prettyErrors: false, logLevel: 'error' }))
  } catch {
    // Nothing of the error: it may quote the file.
    throw useless(FLAG, list, 'wanted origins, each with cert and key')
  }
}

const read = (flag: string, path: string): string => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed'
    throw useless(flag, path, reason, cause)
  }
  if (text.length > MAX_CHARS) throw useless(flag, path, 'larger than 1 MiB')
  return text
}

const useless = (flag: string, path: string, why: string, cause?: unknown): ConfigError =>
  new ConfigError('CONFIG_INVALID', `${flag}: ${path}: ${why}`, { cause })
