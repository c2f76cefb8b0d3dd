/** What each request of one connection has to bring, since a connection is one user's. */
export interface ClientLogin {
  /** The value of Proxy-Authorization; undefined: there must be none. */
  readonly credentials: string | undefined
}
