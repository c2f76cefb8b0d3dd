import { StoreError, hashPassword } from '@sluice/userstore'
import type { Credential, UserPatch } from '@sluice/userstore'
import { command } from './cli-command.ts'
import type { Call, CommandResult, UserCommand, UserCommandIo } from './cli-command.ts'
import { HEADS } from './cli-heads.ts'
import { importFlags, importUsers } from './cli-import.ts'
import { limitFlags, limitsOf, patchOf } from './cli-limits.ts'
import type { LimitFlags } from './cli-limits.ts'
import { makePassword, readSecret } from './cli-secret.ts'
import { userLines, userTable, viewOf } from './cli-text.ts'
import type { UserView } from './cli-text.ts'
import { usage, usageFlags } from './cli-usage.ts'
import { ConfigError } from './config-error.ts'
import { flag } from './config.ts'

interface ChangeFlags extends LimitFlags {
  passwordStdin: boolean
}
const changeFlags = { ...limitFlags, passwordStdin: flag('read the password from standard input') }

const PLACEHOLDER = 'PASSWORD'

/** Every command that can follow `user`. */
export function userCommands({ schema }: Pick<UserCommandIo, 'schema'>): UserCommand[] {
  const linkFlags = { ...schema.shape, newPassword: flag('make a new password and print it, this once') }
  return [
    command(HEADS.add, changeFlags, add),
    command(HEADS.list, {}, list),
    command(HEADS.show, {}, async (call) => shown(await find(call))),
    command(HEADS.set, changeFlags, set),
    command(HEADS.disable, {}, (call) => update(call, { enabled: false })),
    command(HEADS.enable, {}, (call) => update(call, { enabled: true })),
    command(HEADS.remove, {}, remove),
    command(HEADS.usage, usageFlags, usage),
    command(HEADS.link, linkFlags, link),
    command(HEADS.import, importFlags, importUsers),
  ]
}

async function add(call: Call, flags: ChangeFlags): Promise<CommandResult> {
  const patch = patchOf(flags)
  const password = flags.passwordStdin ? undefined : makePassword()
  const user = await call.store.add({
    name: call.operand,
    limits: limitsOf(patch),
    ...(typeof patch.expiresAt === 'number' && { expiresAt: patch.expiresAt }),
    ...(patch.groups && { groups: patch.groups }),
    ...(typeof patch.source === 'string' && { source: patch.source }),
    credentials: [await credentialOf(password ?? (await readSecret(call.io.stdin)))],
  })
  const json = viewOf(user, undefined, nowOf(call))
  if (password === undefined) return { json, lines: [`added ${user.name}`] }
  return { json: { ...json, password }, lines: [`added ${user.name}`, onceLine(password)] }
}

async function list(call: Call): Promise<CommandResult> {
  const views = await all(call)
  return { json: views, lines: userTable(views) }
}

async function set(call: Call, flags: ChangeFlags): Promise<CommandResult> {
  const patch: UserPatch = patchOf(flags)
  if (flags.passwordStdin) patch.credentials = await withPassword(call, await readSecret(call.io.stdin))
  if (Object.keys(patch).length > 0) return update(call, patch)
  throw new ConfigError('USAGE', 'user set: wanted something to change, see --help')
}

async function remove({ store, operand: name }: Call): Promise<CommandResult> {
  await store.remove(name)
  return { json: { name, removed: true }, lines: [`removed ${name}`] }
}

async function link(call: Call, { newPassword }: { newPassword: boolean }): Promise<CommandResult> {
  const { name } = await find(call)
  const password = newPassword ? makePassword() : undefined
  const { urls, json, lines } = call.io.link(name, password ?? PLACEHOLDER, serverFlags(call))
  if (password === undefined) return { json: { name, urls, ...json }, lines }
  await call.store.update(name, { credentials: await withPassword(call, password) })
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

/** The user's credentials with this password in place of any other. */
async function withPassword(call: Call, password: string | Uint8Array): Promise<Credential[]> {
  const { users } = await call.store.list()
  const user = users.find(({ name }) => name === call.operand)
  const others = user?.credentials.filter(({ kind }) => kind !== 'password') ?? []
  return [...others, await credentialOf(password)]
}

const credentialOf = async (password: string | Uint8Array): Promise<Credential> => ({
  kind: 'password',
  hash: await hashPassword(password),
})

async function find(call: Call): Promise<UserView> {
  const found = (await all(call)).find(({ name }) => name === call.operand)
  if (found) return found
  throw new StoreError('USER_UNKNOWN', `no user is named ${JSON.stringify(call.operand)}`)
}

async function all(call: Call): Promise<UserView[]> {
  const { users, used } = await call.store.list()
  const byUser = new Map(used.map((each) => [each.userId, each]))
  return users.map((user) => viewOf(user, byUser.get(user.id), nowOf(call)))
}

const nowOf = ({ io }: Call): number => (io.now ?? Date.now)()

const shown = (user: UserView): CommandResult => ({ json: user, lines: userLines(user) })

const onceLine = (password: string): string => `password (shown this once): ${password}`
