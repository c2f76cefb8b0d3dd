import { StoreError, hashPassword } from '@sluice/userstore'
import type { Credential, User, UserPatch } from '@sluice/userstore'
import { command } from './cli-command.ts'
import type { Call, CommandResult, UserCommand, UserCommandIo } from './cli-command.ts'
import { HEADS } from './cli-heads.ts'
import { importFlags, importUsers } from './cli-import.ts'
import { limitFlags, limitsOf, patchOf } from './cli-limits.ts'
import type { LimitFlags } from './cli-limits.ts'
import { makePassword, readSecrets } from './cli-secret.ts'
import { asksForSs, ssFlags, ssOf } from './cli-shadowsocks.ts'
import type { SsChange, SsFlags } from './cli-shadowsocks.ts'
import { userLines, userTable, viewOf } from './cli-text.ts'
import type { UserView } from './cli-text.ts'
import { usage, usageFlags } from './cli-usage.ts'
import { ConfigError } from './config-error.ts'
import { flag } from './config.ts'

interface AddFlags extends LimitFlags, SsFlags {
  passwordStdin: boolean
}
interface SetFlags extends AddFlags {
  noSs: boolean
}
const addFlags = { ...limitFlags, passwordStdin: flag('read the password from standard input'), ...ssFlags }
const setFlags = { ...addFlags, noSs: flag('take Shadowsocks away from the user', 'shadowsocks') }
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
  const secrets = await secretsOf(call, flags)
  const ss = asksForSs(flags) ? await ssOf(call.operand, flags, secrets.ss) : undefined
  // Who comes in by Shadowsocks alone needs no password.
  const made = flags.passwordStdin || ss ? undefined : makePassword()
  const password = secrets.password ?? made
  const user = await call.store.add({
    name: call.operand,
    limits: limitsOf(patch),
    ...(typeof patch.expiresAt === 'number' && { expiresAt: patch.expiresAt }),
    ...(patch.groups && { groups: patch.groups }),
    ...(typeof patch.source === 'string' && { source: patch.source }),
    credentials: [
      ...(password === undefined ? [] : [await credentialOf(password)]),
      ...(ss ? [ss.credential] : []),
    ],
  })
  const news = newsOf(made, ss)
  const json = { ...viewOf(user, undefined, nowOf(call)), ...news.json }
  return { json, lines: [`added ${user.name}`, ...news.lines] }
}

async function list(call: Call, { reveal }: { reveal: boolean }): Promise<CommandResult> {
  const views = await all(call, reveal)
  return { json: views, lines: userTable(views) }
}

async function set(call: Call, flags: SetFlags): Promise<CommandResult> {
  if (flags.noSs && asksForSs(flags))
    throw new ConfigError('USAGE', 'user set: --no-ss is given with other --ss flags')
  const { credentials, ss } = await changeOfCredentials(call, flags)
  const patch: UserPatch = { ...patchOf(flags), ...(credentials && { credentials }) }
  if (Object.keys(patch).length === 0)
    throw new ConfigError('USAGE', 'user set: wanted something to change, see --help')
  const { json, lines } = await update(call, patch)
  const news = newsOf(undefined, ss)
  return { json: { ...Object(json), ...news.json }, lines: [...lines, ...news.lines] }
}

async function changeOfCredentials(
  call: Call,
  flags: SetFlags,
): Promise<{ credentials?: Credential[]; ss?: SsChange }> {
  const { password, ss: secret } = await secretsOf(call, flags)
  const asks = asksForSs(flags)
  if (!password && !asks && !flags.noSs) return {}
  const { credentials: before } = await storedUser(call)
  const old = before.find((each) => each.kind === 'ss')
  const ss = asks ? await ssOf(call.operand, flags, secret, old) : undefined
  const others = ss || flags.noSs ? before.filter(({ kind }) => kind !== 'ss') : before
  const credentials = [...others, ...(ss ? [ss.credential] : [])]
  return {
    credentials: password ? await withPassword(credentials, password) : credentials,
    ...(ss && { ss }),
  }
}

/** What stands on standard input. */
async function secretsOf(
  { given, io }: Call,
  flags: AddFlags,
): Promise<{ password: Uint8Array | undefined; ss: Uint8Array | undefined }> {
  const wanted = [...given.keys()].filter(
    (key) =>
      (key === 'passwordStdin' && flags.passwordStdin) || (key === 'ssSecretStdin' && flags.ssSecretStdin),
  )
  const secrets = await readSecrets(io.stdin, wanted)
  return { password: secrets.get('passwordStdin'), ss: secrets.get('ssSecretStdin') }
}

/** Secrets of our own making, told this once. */
function newsOf(password: string | undefined, ss: SsChange | undefined): { json: object; lines: string[] } {
  const secret = ss?.made
  return {
    json: { ...(password !== undefined && { password }), ...(secret !== undefined && { ssSecret: secret }) },
    lines: [
      ...(password === undefined ? [] : [onceLine(password)]),
      ...(secret === undefined ? [] : [`Shadowsocks secret (made now, stored in clear): ${secret}`]),
      ...(ss?.warning === undefined ? [] : [ss.warning]),
    ],
  }
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

async function storedUser({ store, operand }: Call): Promise<User> {
  const { users } = await store.list()
  const found = users.find(({ name }) => name === operand)
  if (found) return found
  throw new StoreError('USER_UNKNOWN', `no user is named ${JSON.stringify(operand)}`)
}

/** The credentials with this password in place of any other. */
const withPassword = async (
  credentials: readonly Credential[],
  password: string | Uint8Array,
): Promise<Credential[]> => [
  ...credentials.filter(({ kind }) => kind !== 'password'),
  await credentialOf(password),
]

const credentialOf = async (password: string | Uint8Array): Promise<Credential> => ({
  kind: 'password',
  hash: await hashPassword(password),
})

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
