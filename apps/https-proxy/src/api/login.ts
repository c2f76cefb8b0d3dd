import type { Reader } from '@sluice/net'
import { type Account, type Directory, ServiceError, signIn } from '@sluice/service'
import { basicCredentialsOf } from '@sluice/wire'

/** Who somebody is, by what they brought. */
export interface Login {
  readonly account: Account
  /** Cuts the session when it is void. */
  readonly credential: object | undefined
  /** The value of the field; each further request on the connection has to bring the same. */
  readonly value: string | undefined
}

const BEARER = /^bearer +([A-Za-z0-9\-._~+/]{1,512}=*)$/i

/**
 * Who asks, by the value of Authorization or Proxy-Authorization: Basic (RFC 7617), or Bearer (RFC 6750) with a token of a user.
 * Where there is none, it is a guest at an open door.
 * @throws ServiceError AUTH_REQUIRED, and what `signIn` throws; WireError for credentials that cannot be read
 */
export const apiAccount = async (
  value: string | undefined,
  directory: Directory,
  reader: Reader,
  isOpen: () => boolean,
): Promise<Login> => {
  if (value === undefined) {
    if (!isOpen()) throw new ServiceError('AUTH_REQUIRED')
    return { account: directory.guest, credential: undefined, value }
  }
  const token = BEARER.exec(value)?.[1]
  if (token !== undefined) {
    const bearer = directory.byToken(Buffer.from(token))
    if (bearer === undefined) throw new ServiceError('AUTH_FAILED')
    return { account: bearer.account, credential: bearer, value }
  }
  const basic = basicCredentialsOf(value)
  if (basic === undefined) throw new ServiceError('AUTH_REQUIRED')
  return { account: await signIn(reader, directory, basic), credential: undefined, value }
}
