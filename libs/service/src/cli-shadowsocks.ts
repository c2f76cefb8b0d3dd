import { randomBytes } from 'node:crypto'
import type { Credential } from '@sluice/userstore'
import type * as Shadowsocks from '@sluice/wire/shadowsocks'
import type { z } from 'zod'
import { makePassword } from './cli-secret.ts'
import { orNone } from './cli-types.ts'
import { ConfigError } from './config-error.ts'
import { text, wholeNumber } from './config-types.ts'
import { flag } from './config.ts'

type SsCredential = Extract<Credential, { kind: 'ss' }>

/** What the flags of `user add` and `user set` say about Shadowsocks: null takes the port away. */
export interface SsFlags {
  ssPort: number | null | undefined
  ssMethod: string | undefined
  ssSecretStdin: boolean
}

const DEFAULT_METHOD = 'aes-256-gcm'
const SECRET_MAX_CHARS = 1024
const about = (description: string): { description: string; from: ['flag']; group: string } => ({
  description,
  from: ['flag'],
  group: 'shadowsocks',
})

export const ssFlags: { [K in keyof SsFlags]: z.ZodType<SsFlags[K]> } = {
  ssPort: orNone(wholeNumber(1, 65_535))
    .optional()
    .meta(about('port that is the user’s own; without one it is the one that all share')),
  ssMethod: text
    .optional()
    .meta({ ...about(`how it is encrypted, ${DEFAULT_METHOD} unless it is said`), placeholder: 'METHOD' }),
  ssSecretStdin: flag('read the key or password from standard input; it is stored in clear', 'shadowsocks'),
}

/** Whether any flag asks for Shadowsocks. */
export const asksForSs = ({ ssPort, ssMethod, ssSecretStdin }: SsFlags): boolean =>
  ssPort !== undefined || ssMethod !== undefined || ssSecretStdin

/** A credential, and its secret where it is new and of our own making. */
export interface SsChange {
  credential: SsCredential
  made?: string
  /** What people should know of the method. */
  warning?: string
}

/**
 * The credential that the flags ask for. What they do not mention is that of `old`; its secret stays where the method
 * can use it, and is made anew where not.
 * @throws ConfigError that names the user and never the secret
 */
export async function ssOf(
  name: string,
  flags: SsFlags,
  secret: Uint8Array | undefined,
  old?: SsCredential,
): Promise<SsChange> {
  const method = await methodOf(name, flags, old)
  const port = flags.ssPort === undefined ? old?.port : (flags.ssPort ?? undefined)
  const warning = await warningOf(method)
  const credential = (value: string): SsCredential => ({
    kind: 'ss',
    ...(port !== undefined && { port }),
    method: method.name,
    secret: value,
  })
  if (secret !== undefined) {
    const given = textOf(name, secret)
    const problem = await problemOf(method, given)
    if (problem !== undefined) throw refusal(name, problem)
    return { credential: credential(given), ...warning }
  }
  if (old !== undefined && (await problemOf(method, old.secret)) === undefined)
    return { credential: credential(old.secret), ...warning }
  const made = method.kind === '2022' ? randomBytes(method.keyBytes).toString('base64') : makePassword()
  return { credential: credential(made), made, ...warning }
}

// Loaded where it is needed: most programs have nothing to do with it.
const shadowsocks = (): Promise<typeof Shadowsocks> => import('@sluice/wire/shadowsocks')

async function methodOf(
  name: string,
  { ssMethod: asked }: SsFlags,
  old: SsCredential | undefined,
): Promise<Shadowsocks.SsMethod> {
  const { SS_METHOD_NAMES, ssMethod } = await shadowsocks()
  const written = asked ?? old?.method ?? DEFAULT_METHOD
  const method = ssMethod(written)
  if (method === undefined) {
    const wanted = SS_METHOD_NAMES.join(', ')
    throw refusal(name, `the method ${JSON.stringify(written.slice(0, 80))} is not one of ${wanted}`)
  }
  return method
}

async function warningOf(method: Shadowsocks.SsMethod): Promise<Pick<SsChange, 'warning'>> {
  if ((await shadowsocks()).isSecure(method)) return {}
  return { warning: `with ${method.name} anyone on the way can change what passes` }
}

async function problemOf(method: Shadowsocks.SsMethod, secret: string): Promise<string | undefined> {
  if (secret === '' || secret.length > SECRET_MAX_CHARS)
    return `the secret has ${secret.length} characters, wanted 1 to ${SECRET_MAX_CHARS}`
  try {
    ;(await shadowsocks()).ssKey(method, secret)
    return undefined
  } catch (error) {
    // It says the length at most.
    return error instanceof Error ? error.message : 'the secret cannot be used'
  }
}

function textOf(name: string, secret: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(secret)
  } catch {
    throw refusal(name, 'the secret is not UTF-8')
  }
}

const refusal = (name: string, problem: string): ConfigError =>
  new ConfigError('USAGE', `user ${JSON.stringify(name)}: ${problem}`)
