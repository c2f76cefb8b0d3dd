import type { ForwardedRequest } from '@sluice/wire'

/** What each request of one connection has to bring, since a connection is one user's. */
export interface ClientLogin {
  /** The value of Proxy-Authorization; undefined: there must be none. */
  readonly credentials: string | undefined
}

/** A connection is one user's: whoever brings other credentials has to open another. @param login undefined: anything goes */
export const isStranger = (
  { credentials }: Pick<ForwardedRequest, 'credentials'>,
  login: ClientLogin | undefined,
): boolean => login !== undefined && credentials !== login.credentials
