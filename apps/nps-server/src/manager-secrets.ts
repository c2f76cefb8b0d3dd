import { randomBytes } from 'node:crypto'
import { hashPassword, isUserName } from '@sluice/userstore'
import type { ClientChange, ClientInput, PlainLogin, TunnelChange, TunnelInput } from './manager-inputs.ts'
import type { ClientPatch, Login, NewClient, NewTunnel, TunnelPatch } from './records.ts'
import { npcHash } from './secret-hash.ts'
import { RecordError } from './store/record-error.ts'

const VKEY_BYTES = 16
const SECRET_MAX = 1024
const LOGINS_MAX = 64

/** 128 random bits, 32 characters. */
export const makeVkey = (): string => randomBytes(VKEY_BYTES).toString('hex')

export type UserIdOf = (name: string) => string | undefined | Promise<string | undefined>

/** The record of what was asked for. @throws RecordError RECORD_VALUE */
export async function hashedClient(input: ClientInput, userIdOf: UserIdOf): Promise<NewClient>
export async function hashedClient(input: ClientChange, userIdOf: UserIdOf): Promise<ClientPatch>
export async function hashedClient(
  { user, login, webLogin, vkey, ...rest }: ClientChange,
  userIdOf: UserIdOf,
): Promise<ClientPatch> {
  return {
    ...rest,
    ...(user !== undefined && { userId: user === null ? null : await idOf(user, userIdOf) }),
    ...(login !== undefined && { login: login && (await hashedLogin('login', login)) }),
    ...(webLogin !== undefined && { webLogin: webLogin && (await hashedLogin('webLogin', webLogin)) }),
    ...(vkey !== undefined && { vkeyHash: npcHash(checked('vkey', vkey)) }),
  }
}

/** The record of what was asked for. @throws RecordError RECORD_VALUE */
export async function hashedTunnel(input: TunnelInput): Promise<NewTunnel>
export async function hashedTunnel(input: TunnelChange): Promise<TunnelPatch>
export async function hashedTunnel({ password, logins, ...rest }: TunnelChange): Promise<TunnelPatch> {
  return {
    ...rest,
    ...(password !== undefined && {
      passwordHash: password === null ? null : npcHash(checked('password', password)),
    }),
    ...(logins !== undefined && { logins: logins && (await hashedLogins(logins)) }),
  }
}

async function idOf(name: string, userIdOf: UserIdOf): Promise<string> {
  const id = await userIdOf(name)
  if (id !== undefined) return id
  throw new RecordError('RECORD_VALUE', `user: nobody is named ${JSON.stringify(name).slice(0, 80)}`)
}

function hashedLogins(logins: readonly PlainLogin[]): Promise<Login[]> {
  if (logins.length > LOGINS_MAX)
    throw new RecordError('RECORD_VALUE', `logins: wanted at most ${LOGINS_MAX}`)
  return Promise.all(logins.map((login) => hashedLogin('logins', login)))
}

async function hashedLogin(key: string, { name, password }: PlainLogin): Promise<Login> {
  if (typeof name !== 'string' || !isUserName(name))
    throw new RecordError('RECORD_VALUE', `${key}: wanted a name without colon, blank and control character`)
  return { name, hash: await hashPassword(checked(key, password)) }
}

/** A secret as people may have it, which is never in an error. */
function checked(key: string, secret: unknown): string {
  if (typeof secret === 'string' && secret !== '' && Buffer.byteLength(secret) <= SECRET_MAX) return secret
  throw new RecordError('RECORD_VALUE', `${key}: wanted a secret of 1 to ${SECRET_MAX} bytes`)
}
