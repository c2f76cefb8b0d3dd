import { status } from '@grpc/grpc-js'
import { asRemoteError, type RemoteErrorCode } from '../remote/remote-error.ts'

const BY_CODE: Readonly<Record<RemoteErrorCode, status>> = {
  INVALID: status.INVALID_ARGUMENT,
  UNKNOWN: status.NOT_FOUND,
  EXISTS: status.ALREADY_EXISTS,
  OWNED: status.FAILED_PRECONDITION,
  TAKEN: status.FAILED_PRECONDITION,
  UNSUPPORTED: status.FAILED_PRECONDITION,
  BUSY: status.UNAVAILABLE,
}

export interface CallStatus {
  readonly code: status
  readonly details: string
}

/** What a call that failed is answered. @param onFailed told of what is a fault of ours, of which the answer says nothing */
export const statusOf = (error: unknown, onFailed: (error: unknown) => void): CallStatus => {
  const remote = asRemoteError(error)
  if (remote !== undefined)
    return { code: BY_CODE[remote.code], details: `${remote.code}: ${remote.message}` }
  onFailed(error)
  return { code: status.INTERNAL, details: 'the log has the reason' }
}
