/** How a client program fails at a bridge. */
export const BRIDGE_ERROR_CODES = [
  /** The server knows no such secret: it is no use to go on. */
  'BRIDGE_REFUSED',
  /** Whoever answers is not the server of the enrolment, or something sits in between. */
  'BRIDGE_SERVER',
  /** The server lets the client in later, maybe. */
  'BRIDGE_NOT_NOW',
  /** The connection is gone, or never came about. */
  'BRIDGE_LOST',
] as const

export type BridgeErrorCode = (typeof BRIDGE_ERROR_CODES)[number]

export class BridgeError extends Error {
  override readonly name = 'BridgeError'
  readonly code: BridgeErrorCode

  constructor(code: BridgeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
