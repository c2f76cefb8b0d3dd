import type { Reader } from '@sluice/net'
import type { Credentials } from '@sluice/wire'
import type { Account } from './account.ts'
import type { Directory } from './directory.ts'

/** Whoever knows who it is that signs in, as the directory does. */
export type Logins = Pick<Directory, 'signIn'>

/**
 * Signs in whoever is at the other end of `reader`, at once where the password is remembered. A check that takes longer
 * than the handshake may is not waited for; it ends in the background, and its password is remembered.
 * @throws ServiceError AUTH_FAILED, AUTH_LIMIT, AUTH_USER_LIMIT; StoreError AUTH_BUSY; what ends the handshake
 */
export const signIn = (
  reader: Reader,
  logins: Logins,
  { username, password }: Credentials,
): Account | Promise<Account> => {
  const account = logins.signIn(username, password, reader.client.host)
  return account instanceof Promise ? reader.wait(account) : account
}
