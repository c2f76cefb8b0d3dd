/** Every code an error of this library can have. */
export const RATELIMIT_ERROR_CODES = ['QUEUE_CLOSED', 'QUEUE_FULL', 'QUEUE_SHED', 'QUEUE_TIMEOUT'] as const

/**
 * - `QUEUE_CLOSED`: the queue was closed before or while waiting
 * - `QUEUE_FULL`: no slot is free and there is no place to wait, by count or by bytes; also told to the newest
 *   of whoever holds most places, when somebody with fewer needs one
 * - `QUEUE_SHED`: there has been more to do than can be done for a while, and the wait would be, or was, too long
 * - `QUEUE_TIMEOUT`: the turn did not come in time
 */
export type QueueErrorCode = (typeof RATELIMIT_ERROR_CODES)[number]

/** Why a `FairQueue` gave no slot. The code is stable, the message is for people. */
export class QueueError extends Error {
  override readonly name = 'QueueError'
  readonly code: QueueErrorCode
  /** When it is worth another try, by the present rate: ms from now, 1,000 to 60,000. */
  readonly retryMs: number

  constructor(code: QueueErrorCode, message: string, retryMs: number) {
    // Whoever is told to come again may come thousands of times a second, and nobody looks at where that was said.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.retryMs = retryMs
  }
}

/** Makes the error that says why there is no slot, in the words of whoever asks. */
export type QueueRefusal = (code: QueueErrorCode, message: string, retryMs: number) => Error

export const plainRefusal: QueueRefusal = (code, message, retryMs) => new QueueError(code, message, retryMs)
