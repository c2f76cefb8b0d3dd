import { hashPassword, StoreError } from '@sluice/userstore'
import type { Credential, User } from '@sluice/userstore'
import type { z } from 'zod'
import { bearerFlags, bearersOf } from './cli-bearers.ts'
import type { BearerFlags } from './cli-bearers.ts'
import type { Call } from './cli-command.ts'
import { readSecrets } from './cli-secret.ts'
import { asksForSs, ssFlags, ssOf } from './cli-shadowsocks.ts'
import type { SsFlags } from './cli-shadowsocks.ts'
import { ConfigError } from './config-error.ts'
import { flag } from './config.ts'

/** What the flags of `user add` and `user set` give a user to come in by. */
export interface CredentialFlags extends SsFlags, BearerFlags {
  passwordStdin: boolean
}

/** What the flags of `user set` take away. */
export interface TakingFlags {
  noSs: boolean
  noNodeId: boolean
  noToken: boolean
}

type Flags<T> = { [K in keyof T]: z.ZodType<T[K]> }

export const credentialFlags: Flags<CredentialFlags> = {
  passwordStdin: flag('read the password from standard input'),
  ...ssFlags,
  ...bearerFlags,
}

export const takingFlags: Flags<TakingFlags> = {
  noSs: flag('take Shadowsocks away from the user', 'shadowsocks'),
  noNodeId: flag('take all NodeIDs away from the user', 'relay'),
  noToken: flag('take the access token away from the user', 'relay'),
}

/** Credentials, and what is to be told of them: secrets of our own making are, this once. */
export interface CredentialChange {
  credentials: Credential[]
  json: object
  lines: string[]
}

const STDIN_FLAGS = ['passwordStdin', 'ssSecretStdin', 'tokenStdin'] as const

/** Those that flags give, in place of any of their kinds that `old` has. @throws ConfigError without a secret in it */
export async function givenCredentials(
  { operand: name, given, io }: Call,
  flags: CredentialFlags,
  users: readonly User[],
  old: readonly Credential[] = [],
): Promise<CredentialChange> {
  const wanted = STDIN_FLAGS.filter((key) => flags[key])
  const inOrder = [...given.keys()].filter((key) => wanted.some((each) => each === key))
  const secrets = await readSecrets(io.stdin, inOrder)
  const password = secrets.get('passwordStdin')
  const oldSs = old.find((each) => each.kind === 'ss')
  const ss = asksForSs(flags) ? await ssOf(name, flags, secrets.get('ssSecretStdin'), oldSs) : undefined
  const bearers = await bearersOf(name, flags, secrets.get('tokenStdin'), users)
  const [secret, token] = [ss?.made, bearers.made]
  return {
    credentials: [
      ...(password === undefined ? [] : [await credentialOf(password)]),
      ...(ss === undefined ? [] : [ss.credential]),
      ...bearers.credentials,
    ],
    json: { ...(secret !== undefined && { ssSecret: secret }), ...(token !== undefined && { token }) },
    lines: [
      ...(secret === undefined ? [] : [`Shadowsocks secret (made now, stored in clear): ${secret}`]),
      ...(ss?.warning === undefined ? [] : [ss.warning]),
      ...(token === undefined ? [] : [`token (shown this once): ${token}`]),
    ],
  }
}

/** All of a user's after what the flags give and take; undefined where they do neither. @throws ConfigError, StoreError */
export async function changedCredentials(
  call: Call,
  flags: CredentialFlags & TakingFlags,
): Promise<CredentialChange | undefined> {
  const gone = goneKinds(flags)
  if (gone.size === 0) return undefined
  const { users } = await call.store.list()
  const { credentials: before } = named(users, call.operand)
  const change = await givenCredentials(call, flags, users, before)
  const kept = before.filter(({ kind }) => !gone.has(kind))
  return { ...change, credentials: [...kept, ...change.credentials] }
}

/** The kinds of which nothing stays as it was. @throws ConfigError where flags contradict one another */
function goneKinds(flags: CredentialFlags & TakingFlags): ReadonlySet<Credential['kind']> {
  const { noSs, noNodeId, noToken } = flags
  const givesToken = flags.newToken || flags.tokenStdin
  const kinds = [
    ['password', flags.passwordStdin, false, ''],
    ['ss', asksForSs(flags), noSs, '--no-ss is given with other --ss flags'],
    ['nodeId', flags.nodeId !== undefined, noNodeId, '--no-node-id is given with --node-id'],
    ['token', givesToken, noToken, '--no-token is given with a new token'],
  ] as const
  const gone = new Set<Credential['kind']>()
  for (const [kind, gives, takes, problem] of kinds) {
    if (gives && takes) throw new ConfigError('USAGE', `user set: ${problem}`)
    if (gives || takes) gone.add(kind)
  }
  return gone
}

export const storedUser = async ({ store, operand }: Call): Promise<User> =>
  named((await store.list()).users, operand)

function named(users: readonly User[], name: string): User {
  const found = users.find((user) => user.name === name)
  if (found) return found
  throw new StoreError('USER_UNKNOWN', `no user is named ${JSON.stringify(name)}`)
}

/** The credentials with this password in place of any other. */
export const withPassword = async (
  credentials: readonly Credential[],
  password: string | Uint8Array,
): Promise<Credential[]> => [
  ...credentials.filter(({ kind }) => kind !== 'password'),
  await credentialOf(password),
]

export const credentialOf = async (password: string | Uint8Array): Promise<Credential> => ({
  kind: 'password',
  hash: await hashPassword(password),
})
