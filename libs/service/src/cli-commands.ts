import type { UserPatch } from '@sluice/userstore'
import { command } from './cli-command.ts'
import type { Call, CommandResult, UserCommand, UserCommandIo } from './cli-command.ts'
import {
  credentialFlags,
  credentialOf,
  type CredentialFlags,
  changedCredentials,
  givenCredentials,
  storedUser,
  takingFlags,
  type TakingFlags,
  withPassword,
} from './cli-credentials.ts'
import { HEADS } from './cli-heads.ts'
import { importFlags, importUsers } from './cli-import.ts'
import { limitFlags, limitsOf, patchOf } from './cli-limits.ts'
import type { LimitFlags } from './cli-limits.ts'
import { makePassword } from './cli-secret.ts'
import { userLines, userTable, viewOf } from './cli-text.ts'
import type { UserView } from './cli-text.ts'
import { usage, usageFlags } from './cli-usage.ts'
import { ConfigError } from './config-error.ts'
import { flag } from './config.ts'

type AddFlags = LimitFlags & CredentialFlags
type SetFlags = AddFlags & TakingFlags
const addFlags = { ...limitFlags, ...credentialFlags }
const setFlags = { ...addFlags, ...takingFlags }
const showFlags = { reveal: flag('show the secrets that are stored in clear', 'information') }

const PLACEHOLDER = 'PASSWORD'

/** Every command that can follow `user`. */
export function userCommands({
  schema,
  linkOptions,
}: Pick<UserCommandIo, 'schema' | 'linkOptions'>): UserCommand[] {
  const { flags, ...head } = { flags: {}, ...linkOptions }
  const linkFlags = {
    ...schema.shape,
    ...flags,
    newPassword: flag('make a new password and print it, this once'),
  }
  return [
    command(HEADS.add, addFlags, add),
    command(HEADS.list, showFlags, list),
    command(HEADS.show, showFlags, async (call, { reveal }) => shown(await find(call, reveal))),
    command(HEADS.set, setFlags, set),
    command(HEADS.disable, {}, (call) => update(call, { enabled: false })),
    command(HEADS.enable, {}, (call) => update(call, { enabled: true })),
    command(HEADS.remove, {}, remove),
    command(HEADS.usage, usageFlags, usage),
    command({ ...HEADS.link, ...head }, linkFlags, link),
    command(HEADS.import, importFlags, importUsers),
  ]
}

async function add(call: Call, flags: AddFlags): Promise<CommandResult> {
  const patch = patchOf(flags)
  const { users } = await call.store.list()
  const given = await givenCredentials(call, flags, users)
  // Who comes in by anything needs no password.
  const password = given.credentials.length > 0 ? undefined : makePassword()
  const user = await call.store.add({
    name: call.operand,
    limits: limitsOf(patch),
    ...(typeof patch.expiresAt === 'number' && { expiresAt: patch.expiresAt }),
    ...(patch.groups && { groups: patch.groups }),
    ...(typeof patch.source === 'string' && { source: patch.source }),
    credentials: password === undefined ? given.credentials : [await credentialOf(password)],
  })
  const json = { ...viewOf(user, undefined, nowOf(call)), ...given.json, ...(password && { password }) }
  const news = password === undefined ? given.lines : [onceLine(password)]
  return { json, lines: [`added ${user.name}`, ...news] }
}

async function list(call: Call, { reveal }: { reveal: boolean }): Promise<CommandResult> {
  const views = await all(call, reveal)
  return { json: views, lines: userTable(views) }
}

async function set(call: Call, flags: SetFlags): Promise<CommandResult> {
  const change = await changedCredentials(call, flags)
  const patch: UserPatch = { ...patchOf(flags), ...(change && { credentials: change.credentials }) }
  if (Object.keys(patch).length === 0)
    throw new ConfigError('USAGE', 'user set: wanted something to change, see --help')
  const { json, lines } = await update(call, patch)
  return { json: { ...Object(json), ...change?.json }, lines: [...lines, ...(change?.lines ?? [])] }
}

async function remove({ store, operand: name }: Call): Promise<CommandResult> {
  await store.remove(name)
  return { json: { name, removed: true }, lines: [`removed ${name}`] }
}

async function link(call: Call, { newPassword }: { newPassword: boolean }): Promise<CommandResult> {
  const user = await storedUser(call)
  const { name } = user
  const password = newPassword ? makePassword() : undefined
  const { urls, json, lines } = call.io.link(name, password ?? PLACEHOLDER, serverFlags(call), user)
  if (password === undefined) return { json: { name, urls, ...json }, lines }
  await call.store.update(name, { credentials: await withPassword(user.credentials, password) })
  return { json: { name, urls, ...json, password }, lines: [...lines, onceLine(password)] }
}

/** The flags as they were, but for those of the command itself. */
function serverFlags({ given }: Call): string[] {
  const own = new Set(['--json', '--help', '--new-password'])
  const flags = [...given.values()].filter(({ where }) => where.startsWith('--') && !own.has(where))
  return flags.map(({ where, value }) => `${where}=${String(value)}`)
}

async function update(call: Call, patch: UserPatch): Promise<CommandResult> {
  await call.store.update(call.operand, patch)
  return shown(await find(call))
}

async function find(call: Call, reveal = false): Promise<UserView> {
  const [user, { used }] = await Promise.all([storedUser(call), call.store.list()])
  return viewOf(
    user,
    used.find(({ userId }) => userId === user.id),
    nowOf(call),
    reveal,
  )
}

async function all(call: Call, reveal: boolean): Promise<UserView[]> {
  const { users, used } = await call.store.list()
  const byUser = new Map(used.map((each) => [each.userId, each]))
  return users.map((user) => viewOf(user, byUser.get(user.id), nowOf(call), reveal))
}

const nowOf = ({ io }: Call): number => (io.now ?? Date.now)()

const shown = (user: UserView): CommandResult => ({ json: user, lines: userLines(user) })

const onceLine = (password: string): string => `password (shown this once): ${password}`
