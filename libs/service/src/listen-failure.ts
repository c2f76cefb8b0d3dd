import { isIP } from 'node:net'
import type { z } from 'zod'
import { type Option, optionsOf } from './config-options.ts'
import type { Givens } from './config-sources.ts'

/** What the system refused to open. */
interface Refused {
  readonly host: string
  readonly port: number
}

/**
 * A listener that could not be opened, told with the settings that lead there: `--http: listen EADDRINUSE: …`. The code
 * stays. All other errors are given back as they are.
 * @param given where each setting was written, where that is known
 */
export function withSettings(
  error: unknown,
  schema: z.ZodObject,
  { config, given }: { readonly config: object; readonly given?: Givens },
): unknown {
  const refused = refusedIn(error)
  if (refused === undefined) return error
  const names = optionsOf(schema)
    .filter((option) => leadsTo(refused, option, Object(config)[option.key]))
    .map(({ key, flag }) => given?.get(key)?.where ?? `--${flag}`)
  if (names.length === 0) return error
  const { message, code } = error as NodeJS.ErrnoException
  return Object.assign(new Error(`${names.join(', ')}: ${message}`, { cause: error }), { code })
}

const CALLS: ReadonlySet<unknown> = new Set(['listen', 'bind'])

/** The system names no port where any was wanted. */
function refusedIn(error: unknown): Refused | undefined {
  const { syscall, address: host, port = 0 } = Object(error)
  return CALLS.has(syscall) && typeof host === 'string' ? { host, port: Number(port) } : undefined
}

/** Whether a value is that address, holds it as its `address`, or is a list with it. */
function leadsTo(refused: Refused, option: Option, value: unknown): boolean {
  if (Array.isArray(value)) return value.some((each) => leadsTo(refused, option, each))
  if (typeof value === 'number') return option.flag.endsWith('port') && value === refused.port
  const { host, port, address } = Object(value)
  if (address !== undefined) return leadsTo(refused, option, address)
  return port === refused.port && (host === refused.host || isIP(String(host)) === 0)
}
