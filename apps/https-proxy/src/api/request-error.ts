import { type ErrorCode, ServiceError } from '@sluice/service'

/** A request to the API that cannot be served as it is; the message says what is wrong with it, and is for its client too. */
export class RequestError extends ServiceError {
  constructor(message: string, code: ErrorCode = 'REQUEST_INVALID') {
    super(code, message)
  }
}
