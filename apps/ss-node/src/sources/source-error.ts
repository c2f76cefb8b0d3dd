/**
 * What can go wrong with a source of users.
 * - USERS_MISSING, USERS_UNREADABLE: the file is not there, cannot be read or is no file
 * - USERS_TOO_LONG, USERS_FORMAT: more than is taken; no JSON, or of another shape
 * - PANEL_UNREACHABLE: no connection came to be, so the panel has seen nothing
 * - PANEL_TIMEOUT, PANEL_BROKEN: no whole answer in time, or the connection broke before its end
 * - PANEL_REFUSED: an answer that says no: a status of 3xx or 4xx, or `msg` in place of what was asked for
 * - PANEL_FAILED: a status of 5xx, of the panel or of a proxy before it
 * - PANEL_TOO_LONG, PANEL_FORMAT: an answer longer than is taken; no JSON, or of another shape
 * - BATCH_UNKEPT: the batch to be sent cannot be kept on disk, so it is not sent
 */
export type SourceErrorCode =
  | 'USERS_MISSING'
  | 'USERS_UNREADABLE'
  | 'USERS_TOO_LONG'
  | 'USERS_FORMAT'
  | 'PANEL_UNREACHABLE'
  | 'PANEL_TIMEOUT'
  | 'PANEL_BROKEN'
  | 'PANEL_REFUSED'
  | 'PANEL_FAILED'
  | 'PANEL_TOO_LONG'
  | 'PANEL_FORMAT'
  | 'BATCH_UNKEPT'

/** The message never holds a password, a token or a part of what was read. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
  readonly code: SourceErrorCode

  constructor(code: SourceErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

const UNSEEN: ReadonlySet<string> = new Set(['PANEL_UNREACHABLE', 'PANEL_REFUSED', 'BATCH_UNKEPT'])

/** Whether the panel cannot have applied what was posted; after every other failure it may have. */
export const isUnapplied = (error: unknown): boolean => error instanceof SourceError && UNSEEN.has(error.code)
