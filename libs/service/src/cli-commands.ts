import { StoreError, hashPassword } from '@sluice/userstore'
import type { Credential, UserPatch } from '@sluice/userstore'
import { command } from './cli-command.ts'
import type { Call, CommandResult, UserCommand, UserCommandIo } from './cli-command.ts'
import { limitFlags, limitsOf, patchOf } from './cli-limits.ts'
import type { LimitFlags } from './cli-limits.ts'
import { makePassword, readSecret } from './cli-secret.ts'
import { usageTable, userLines, userTable, viewOf } from './cli-text.ts'
import type { UserView } from './cli-text.ts'
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
    command(
      'add NAME',
      'Adds a user. Without --password-stdin a password is made and printed, this once.',
      changeFlags,
      add,
    ),
    command('list', 'Lists the users.', {}, list),
    command('show NAME', 'Shows a user.', {}, async (call) => shown(await find(call))),
    command(
      'set NAME',
      'Changes what the flags say, `none` takes a limit away. It holds for open connections too.',
      changeFlags,
      set,
    ),
    command('disable NAME', 'Refuses a user and ends their connections.', {}, (call) =>
      update(call, { enabled: false }),
    ),
    command('enable NAME', 'Lets a disabled user in again.', {}, (call) => update(call, { enabled: true })),
    command('remove NAME', 'Removes a user and ends their connections.', {}, remove),
    command('usage [NAME]', 'Tells what users have used in their current period.', {}, usage),
    command(
      'link NAME',
      'Prints what to paste into a client. Takes the flags of the server too.',
      linkFlags,
      link,
    ),
  ]
}

async function add(call: Call, flags: ChangeFlags): Promise<CommandResult> {
  const patch = patchOf(flags)
  const password = flags.passwordStdin ? undefined : makePassword()
  const user = await call.store.add({
    name: call.name,
    limits: limitsOf(patch),
    ...(typeof patch.expiresAt === 'number' && { expiresAt: patch.expiresAt }),
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

async function remove({ store, name }: Call): Promise<CommandResult> {
  await store.remove(name)
  return { json: { name, removed: true }, lines: [`removed ${name}`] }
}

async function usage({ store, name }: Call): Promise<CommandResult> {
  const usages = name === '' ? await store.usage() : await store.usage(name)
  return { json: name === '' ? usages : usages[0], lines: usageTable(usages) }
}

async function link(call: Call, { newPassword }: { newPassword: boolean }): Promise<CommandResult> {
  const { name } = await find(call)
  const password = newPassword ? makePassword() : undefined
  const links = call.io.link(name, password ?? PLACEHOLDER, serverFlags(call))
  if (password === undefined) return { json: { name, links }, lines: links }
  await call.store.update(name, { credentials: await withPassword(call, password) })
  return { json: { name, links, password }, lines: [...links, onceLine(password)] }
}

/** The flags as they were, but for those of the command itself. */
function serverFlags({ given }: Call): string[] {
  const own = new Set(['--json', '--help', '--new-password'])
  const flags = [...given.values()].filter(({ where }) => where.startsWith('--') && !own.has(where))
  return flags.map(({ where, value }) => `${where}=${String(value)}`)
}

async function update(call: Call, patch: UserPatch): Promise<CommandResult> {
  await call.store.update(call.name, patch)
  return shown(await find(call))
}

/** The user's credentials with this password in place of any other. */
async function withPassword(call: Call, password: string | Uint8Array): Promise<Credential[]> {
  const { users } = await call.store.list()
  const user = users.find(({ name }) => name === call.name)
  const others = user?.credentials.filter(({ kind }) => kind !== 'password') ?? []
  return [...others, await credentialOf(password)]
}

const credentialOf = async (password: string | Uint8Array): Promise<Credential> => ({
  kind: 'password',
  hash: await hashPassword(password),
})

async function find(call: Call): Promise<UserView> {
  const found = (await all(call)).find(({ name }) => name === call.name)
  if (found) return found
  throw new StoreError('USER_UNKNOWN', `no user is named ${JSON.stringify(call.name)}`)
}

async function all(call: Call): Promise<UserView[]> {
  const { users, used } = await call.store.list()
  const byUser = new Map(used.map((each) => [each.userId, each]))
  return users.map((user) => viewOf(user, byUser.get(user.id), nowOf(call)))
}

const nowOf = ({ io }: Call): number => (io.now ?? Date.now)()

const shown = (user: UserView): CommandResult => ({ json: user, lines: userLines(user) })

const onceLine = (password: string): string => `password (shown this once): ${password}`
