import { readFileSync } from 'node:fs'
import {
  address,
  type BaseConfig,
  baseSchema,
  ConfigError,
  type ConfigSchema,
  loadConfig,
  text,
  isLoopbackListener,
} from '@sluice/service'
import { type Address, encodeSumbit, encodeUserPass } from '@sluice/wire'
import { z } from 'zod'
import type { ServerAccess } from './server-access.ts'

/** What it dials is its user's own server, so there is nothing to allow. */
type Base = Omit<BaseConfig, 'allow' | 'watch' | 'printConfig' | 'version'>
const base: ConfigSchema<Base> = baseSchema().omit({
  allow: true,
  watch: true,
  printConfig: true,
  version: true,
})

/** Of the same name in the environment something else is meant: the settings of a server. */
const FILE_OR_FLAG = ['flag', 'file']

export interface LocalConfig extends Base {
  server: Address
  user: string
  passwordStdin: boolean
  proto: 'socks5' | 'http' | undefined
  listen: Address
  tls: boolean
  tlsCa: string | undefined
  tlsName: string | undefined
}

export const localSchema: ConfigSchema<LocalConfig> = base.extend({
  open: z.boolean().default(false).meta({
    description: 'listen beyond loopback: whoever reaches the listener goes out as the user',
    from: FILE_OR_FLAG,
    group: 'access',
  }),
  server: address.meta({ description: 'the server', group: 'server' }),
  user: text.meta({ description: 'the name to sign in with there', placeholder: 'NAME', group: 'server' }),
  passwordStdin: z
    .boolean()
    .default(false)
    .meta({ description: 'read the password from standard input', from: ['flag'], group: 'server' }),
  tls: z.boolean().default(false).meta({
    description: 'reach the server over TLS, and check its certificate',
    from: FILE_OR_FLAG,
    group: 'server',
  }),
  tlsCa: text.optional().meta({
    description: "certificates to trust, PEM, instead of the system's",
    placeholder: 'FILE',
    group: 'server',
  }),
  tlsName: text.optional().meta({
    description: 'name or address in the certificate, where it is not that of --server',
    placeholder: 'NAME',
    group: 'server',
  }),
  listen: address
    .prefault('127.0.0.1:1080')
    .meta({ description: 'where programs on this machine come in', group: 'listeners' }),
  proto: z
    .enum(['socks5', 'http'])
    .optional()
    .meta({ description: 'the one protocol to take; both unless given', group: 'listeners' }),
})

/** @throws ConfigError for what cannot be, or lacks its other half */
export const loadLocalConfig = (
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): LocalConfig => {
  const { config, positionals } = loadConfig(localSchema, { argv, env })
  const [word] = positionals
  if (word !== undefined)
    throw new ConfigError('USAGE', `local: ${JSON.stringify(word)} is one word too many`)
  const { listen, open, tls, tlsCa, tlsName } = config
  if (!isLoopbackListener(listen) && !open) {
    throw invalid(
      `${listen.host}:${listen.port} is not loopback: whoever reaches it would go out as the user; give --open`,
    )
  }
  if (!tls && (tlsCa ?? tlsName) !== undefined) throw invalid('--tls-ca and --tls-name want --tls')
  if (!config.passwordStdin)
    throw invalid('--password-stdin is missing: the password comes by standard input only')
  return config
}

/**
 * What the server is told, checked for whether it can be.
 * @throws ConfigError; its message holds nothing of the password
 */
export const serverAccess = (config: LocalConfig, password: Uint8Array): ServerAccess => {
  const { server, user, tls } = config
  const credentials = { username: Buffer.from(user), password }
  if (password.length === 0) throw invalid('standard input: the password is empty')
  if (!tls) return { server, line: lineOf(credentials) }
  try {
    encodeUserPass(credentials)
  } catch (cause) {
    throw invalid('a name and a password have at most 255 bytes each', cause)
  }
  const ca = config.tlsCa === undefined ? undefined : readPem(config.tlsCa)
  return { server, credentials, tls: { name: config.tlsName ?? server.host, ca } }
}

const lineOf = (credentials: { username: Uint8Array; password: Uint8Array }): Uint8Array => {
  try {
    return encodeSumbit(credentials)
  } catch (cause) {
    const what = 'the name or the password holds a blank or a control character, or is too long'
    throw invalid(`${what}: without TLS it cannot be told to the server, with --tls it can`, cause)
  }
}

const readPem = (path: string): string => {
  try {
    const pem = readFileSync(path, 'latin1')
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed'
    throw invalid(`--tls-ca: cannot read ${path} (${code})`, cause)
  }
  throw invalid(`--tls-ca: ${path} holds no PEM certificate`)
}

const invalid = (message: string, cause?: unknown): ConfigError =>
  new ConfigError('CONFIG_INVALID', message, { cause })
