import type { Credential, User } from '@sluice/userstore'
import { WireError } from '@sluice/wire'
import { SS_METHOD_NAMES, ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { RemoteError } from './remote-error.ts'

export type SsCredential = Extract<Credential, { kind: 'ss' }>

/** What the user's Shadowsocks clients need to know; of several, the first. */
export const ssCredentialOf = ({ credentials }: User): SsCredential | undefined =>
  credentials.find((credential) => credential.kind === 'ss')

/**
 * A credential that can be served.
 * @param port 1 to 65535; undefined is the port that users share
 * @throws RemoteError INVALID that says what is wrong, and names no secret
 */
export function checkedCredential(port: number | undefined, method: string, secret: string): SsCredential {
  if (port !== undefined && !(Number.isSafeInteger(port) && port >= 1 && port <= 65_535)) {
    throw new RemoteError('INVALID', 'port: wanted 1 to 65535')
  }
  if (secret === '' || secret.length > 1024) {
    throw new RemoteError('INVALID', 'password: wanted 1 to 1024 characters')
  }
  const known = ssMethod(method)
  if (known === undefined) {
    throw new RemoteError('INVALID', `method: wanted one of ${SS_METHOD_NAMES.join(', ')}`)
  }
  try {
    ssKey(known, secret)
  } catch (error) {
    if (error instanceof WireError) throw new RemoteError('INVALID', `password: ${error.message}`)
    throw error
  }
  return { kind: 'ss', ...(port !== undefined && { port }), method: known.name, secret }
}
