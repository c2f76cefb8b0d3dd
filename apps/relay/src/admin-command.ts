import {
  type AppCommand,
  type BaseConfig,
  baseSchema,
  ConfigError,
  type ConfigSchema,
  duration,
  loadConfig,
  manualText,
  text,
} from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import { z } from 'zod'
import { schema } from './config.ts'

export interface AdminIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  /** @default fetch */
  readonly ask?: typeof fetch
}

type AdminConfig = Pick<BaseConfig, 'config' | 'ops' | 'help'> & {
  adminToken: string | undefined
  for: number | undefined
  reason: string | undefined
}

const { config, help } = baseSchema().shape
const { ops, adminToken } = schema.shape
const adminSchema: ConfigSchema<AdminConfig> = z.object({
  config,
  ops,
  adminToken,
  for: duration
    .optional()
    .meta({ description: 'how long a ban holds; until it is lifted by default', from: ['flag'] }),
  reason: text
    .optional()
    .meta({ description: 'why somebody is banned, for other operators', from: ['flag'] }),
  help,
})

/** A request to the running relay. */
interface Ask {
  readonly method: string
  readonly path: string
  readonly body?: object
}

interface Verb {
  readonly operand?: string
  readonly about: string
  readonly ask: (operand: string, flags: AdminConfig, now: number) => Ask
}

const part = (written: string): string => encodeURIComponent(written)

const VERBS: Readonly<Record<string, Verb>> = {
  reservations: { about: 'Lists who can be reached.', ask: () => ({ method: 'GET', path: '/reservations' }) },
  circuits: { about: 'Lists circuits.', ask: () => ({ method: 'GET', path: '/circuits' }) },
  bans: { about: 'Lists bans.', ask: () => ({ method: 'GET', path: '/bans' }) },
  'close-reservation': {
    operand: 'ID',
    about: 'Sends a peer away; its circuits go on.',
    ask: (id) => ({ method: 'DELETE', path: `/reservations/${part(id)}` }),
  },
  'close-circuit': {
    operand: 'KEY',
    about: 'Resets a circuit at both ends.',
    ask: (key) => ({ method: 'DELETE', path: `/circuits/${part(key)}` }),
  },
  ban: {
    operand: 'ID|CIDR',
    about: 'Keeps a peer or a network out, and cuts what it has.',
    ask: (subject, { for: ms, reason }, now) => {
      const expiresAt = ms === undefined ? undefined : now + ms
      return { method: 'POST', path: '/bans', body: { subject, expiresAt, reason } }
    },
  },
  unban: {
    operand: 'ID|CIDR',
    about: 'Lifts a ban.',
    ask: (subject) => ({ method: 'DELETE', path: `/bans/${part(subject)}` }),
  },
  drain: {
    operand: '[URL]',
    about: 'Takes nobody new, and tells peers to go, to another relay where one is given.',
    ask: (address) => ({ method: 'POST', path: '/drain', body: { address } }),
  },
  undrain: { about: 'Takes everybody again.', ask: () => ({ method: 'DELETE', path: '/drain' }) },
}

/** The relay does not do what it was asked. */
class AdminError extends Error {
  readonly code = 'ADMIN_REFUSED'
}

const TIMEOUT_MS = 10_000

/** `relay admin …`: what operators do to a running relay, by its ops port. */
export const adminCommand = ({ env, stdout, stderr, ask = fetch }: AdminIo): AppCommand => ({
  about: 'Lists and closes reservations and circuits of the running relay, bans, drains.',
  usage: 'COMMAND [flags]',
  flags: adminSchema,
  operand: Object.keys(VERBS),
  run: async (argv) => {
    const { config: flags, positionals } = loadConfig(adminSchema, { argv, env, shares: schema })
    if (flags.help) {
      stdout.write(manual())
      return 0
    }
    try {
      stdout.write(`${await answerOf(ask, requestOf(positionals, flags), flags)}\n`)
      return 0
    } catch (error) {
      if (!(error instanceof AdminError)) throw error
      stderr.write(`relay: ${error.message}\n`)
      return 1
    }
  },
})

const requestOf = ([word = '', operand = '', ...more]: readonly string[], flags: AdminConfig): Ask => {
  const verb = Object.hasOwn(VERBS, word) ? VERBS[word] : undefined
  if (verb === undefined) {
    throw new ConfigError('CONFIG_INVALID', `admin wants one of ${Object.keys(VERBS).join(', ')}`)
  }
  const isMissing = verb.operand !== undefined && !verb.operand.startsWith('[') && operand === ''
  if (isMissing || more.length > 0 || (verb.operand === undefined && operand !== '')) {
    throw new ConfigError('CONFIG_INVALID', `usage: admin ${word}${verb.operand ? ` ${verb.operand}` : ''}`)
  }
  return verb.ask(operand, flags, Date.now())
}

/** What the relay says, as JSON. @throws AdminError where it says no, or nothing */
const answerOf = async (
  ask: typeof fetch,
  { method, path, body }: Ask,
  flags: AdminConfig,
): Promise<string> => {
  if (flags.ops === undefined || flags.adminToken === undefined) {
    throw new ConfigError('CONFIG_INVALID', '--ops and --admin-token are wanted, those of the running relay')
  }
  const where = formatAddress(flags.ops)
  const init: RequestInit = {
    method,
    headers: {
      authorization: `Bearer ${flags.adminToken}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body && { body: JSON.stringify(body) }),
  }
  const response = await reached(ask(`http://${where}/v1/relay${path}`, init), where)
  const answer = await response.text()
  if (response.ok) return answer === '' ? '{}' : answer
  throw new AdminError(`the relay at ${where} refused with ${response.status}: ${answer.slice(0, 500)}`)
}

const reached = async (asking: Promise<Response>, where: string): Promise<Response> => {
  try {
    return await asking
  } catch (cause) {
    throw new AdminError(`no relay answers at ${where}`, { cause })
  }
}

const manual = (): string =>
  manualText({
    head: 'relay admin: what operators do to a running relay',
    synopsis: ['relay admin COMMAND [flags]'],
    description: [
      'Asks the relay at --ops, and shows it the --admin-token with which it runs. What it says is printed as JSON.',
    ],
    commands: Object.entries(VERBS).map(([word, { operand, about }]) => [
      operand === undefined ? word : `${word} ${operand}`,
      about,
    ]),
    flags: adminSchema,
    examples: [
      { does: 'Keep a network out for a day:', line: 'relay admin ban 192.0.2.0/24 --for 1d' },
      {
        does: 'Send peers to another relay, before this one stops:',
        line: 'relay admin drain tls://b.example:443',
      },
    ],
  })
