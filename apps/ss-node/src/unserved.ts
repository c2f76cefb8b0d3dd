/** Why a user is not served. */
export type UnservedReason =
  /** Nobody knows the encryption method. */
  | 'METHOD_UNKNOWN'
  /** The key is not one of its method. */
  | 'KEY_INVALID'
  /** The method protects nothing, and is not allowed. */
  | 'METHOD_INSECURE'
  /** The user has no port, and there is none that is shared. */
  | 'PORT_MISSING'
  /** Another user has the port, and the two cannot be told apart there. */
  | 'PORT_TAKEN'
  /** Another user of the port has the same method and secret. */
  | 'SECRET_TAKEN'
  /** The port cannot be opened; it is tried again. */
  | 'PORT_UNAVAILABLE'

/** A credential that nobody can come in with. */
export interface Unserved {
  readonly name: string
  /** undefined: the shared one. */
  readonly port: number | undefined
  readonly reason: UnservedReason
  /** For people; never a secret. */
  readonly detail?: string | undefined
}
