import type { Limits, User, UserPatch } from '@sluice/userstore'
import type { Register } from '../remote/register.ts'
import { RemoteError } from '../remote/remote-error.ts'
import { checkedCredential, type SsCredential, ssCredentialOf } from '../remote/ss-credential.ts'
import type { UserMessage, UserReq, UserServerMessage } from './messages.ts'

const INT32_MAX = 0x7fff_ffff

/** How users are named that gRPC adds. */
export const nameOf = (userId: number): string => `ss-${userId}`

/** The number that gRPC has for a user, be it one of its own or of a list from elsewhere; 0 where it has none. */
export const userIdOf = ({ id, name, owner }: User): number => {
  const [, written = '0'] = /[:-]([1-9]\d{0,9})$/.exec(owner === undefined ? name : id) ?? []
  const isNamed = name === nameOf(Number(written)) || id === `${owner}:${written}`
  return isNamed && Number(written) <= INT32_MAX ? Number(written) : 0
}

const int32 = (value: number | undefined): number => Math.min(value ?? 0, INT32_MAX)

export const userMessage = (user: User, register: Register): UserMessage => {
  const { limits } = user
  const { port = 0, method = '', secret = '' } = ssCredentialOf(user) ?? {}
  const { up, down } = register.used(user)
  return {
    user_id: userIdOf(user),
    port,
    method,
    password: secret,
    enable: user.enabled,
    speed_limit: int32(limits.down ?? limits.up ?? limits.total),
    ip_list: addressesOf(user, register),
    tcp_conn_num: register.account(user)?.connections ?? 0,
    upload_traffic: up,
    download_traffic: down,
    name: user.name,
    tcp_conn_limit: int32(limits.connections),
    ip_limit: int32(limits.ips),
    quota_bytes: limits.quotaBytes ?? 0,
    expires_at: Math.floor((user.expiresAt ?? 0) / 1000),
  }
}

/** @param isServed whether their port is open */
export const serverMessage = (user: User, register: Register, isServed: boolean): UserServerMessage => {
  const { up, down } = register.used(user)
  const state = register.account(user)?.state(Date.now())
  return {
    user_id: userIdOf(user),
    upload_traffic: up,
    download_traffic: down,
    ip_list: addressesOf(user, register),
    is_running: isServed && user.enabled && state === 'active',
    tcp_conn_num: register.account(user)?.connections ?? 0,
  }
}

const addressesOf = (user: User, register: Register): string[] => register.account(user)?.addresses ?? []

export interface UserChanges {
  readonly enabled: boolean
  readonly credentials: User['credentials']
  /** null lifts a limit. */
  readonly limits: NonNullable<UserPatch['limits']>
  /** null is never; left out stays. */
  readonly expiresAt?: number | null
}

/** What a request makes of a user. @param known as they are @throws RemoteError INVALID */
export const changesOf = (request: UserReq, known: User | undefined): UserChanges => ({
  enabled: request.enable,
  credentials: [credentialOf(request, known && ssCredentialOf(known)), ...othersOf(known)],
  limits: limitsOf(request),
  ...(request.expires_at !== undefined && { expiresAt: msOf(request.expires_at) }),
})

const credentialOf = ({ port, method, password }: UserReq, known: SsCredential | undefined): SsCredential => {
  const kept = port === 0 ? known?.port : port
  return checkedCredential(kept, method || (known?.method ?? ''), password || (known?.secret ?? ''))
}

const othersOf = (known: User | undefined): User['credentials'] => {
  const first = known && ssCredentialOf(known)
  return known?.credentials.filter((credential) => credential !== first) ?? []
}

const limitsOf = (request: UserReq): NonNullable<UserPatch['limits']> => ({
  ...limit('up', request.speed_limit, 'speed_limit'),
  ...limit('down', request.speed_limit, 'speed_limit'),
  ...limit('connections', request.tcp_conn_limit, 'tcp_conn_limit'),
  ...limit('ips', request.ip_limit, 'ip_limit'),
  ...limit('quotaBytes', request.quota_bytes, 'quota_bytes'),
})

const limit = (
  key: keyof Limits,
  value: number | undefined,
  field: string,
): NonNullable<UserPatch['limits']> => {
  if (value === undefined) return {}
  if (!(value >= 0)) throw new RemoteError('INVALID', `${field}: wanted 0 or more`)
  return { [key]: value === 0 ? null : value }
}

const msOf = (seconds: number): number | null => {
  if (!(seconds >= 0)) throw new RemoteError('INVALID', 'expires_at: wanted 0 or more')
  return seconds === 0 ? null : seconds * 1000
}
