import { StoreError } from '@sluice/userstore'

/**
 * Why something that was asked for from afar is not done.
 * - INVALID: a value that cannot be
 * - UNKNOWN, EXISTS: there is no such user; there is one already
 * - OWNED: the user comes from elsewhere, and is changed there
 * - TAKEN: the port is another user's
 * - UNSUPPORTED: this node is not set up for it
 * - BUSY: trying again later may help
 */
export type RemoteErrorCode = 'INVALID' | 'UNKNOWN' | 'EXISTS' | 'OWNED' | 'TAKEN' | 'UNSUPPORTED' | 'BUSY'

/** Its message is for whoever asked, and names no secret. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError'
  readonly code: RemoteErrorCode

  constructor(code: RemoteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const BY_STORE: ReadonlyMap<string, RemoteErrorCode> = new Map([
  ['USER_UNKNOWN', 'UNKNOWN'],
  ['USER_EXISTS', 'EXISTS'],
  ['USER_NAME', 'INVALID'],
  ['USER_VALUE', 'INVALID'],
  ['USER_OWNED', 'OWNED'],
  ['STORE_BUSY', 'BUSY'],
])

/** What of an error may be told to whoever asked: undefined where that is nothing. */
export function asRemoteError(error: unknown): RemoteError | undefined {
  if (error instanceof RemoteError) return error
  const code = error instanceof StoreError ? BY_STORE.get(error.code) : undefined
  return code && new RemoteError(code, (error as StoreError).message, { cause: error })
}
