/** What those who manage users from afar need of the ports. */
export interface RemotePorts {
  /** Whether the user's port is open for them. */
  isServed(userId: string): boolean
  /** What a user without a port of their own needs; undefined where no port is shared. */
  shared(): SharedPort | undefined
}

export interface SharedPort {
  /** Left out where it is the one of users without a port. */
  readonly port?: number
  readonly method: string
  /** In Base64: the key of the server that identity headers are for (SIP023). */
  readonly identityKey?: string
}
