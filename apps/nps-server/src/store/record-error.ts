import { asStoreError } from '@sluice/userstore'

/**
 * - RECORD_UNKNOWN: there is no client, tunnel, host or token of this id
 * - RECORD_VALUE: a value that cannot be; the message says which, and what was wanted
 * - PORT_TAKEN: another tunnel that is enabled has the port
 * - HOST_TAKEN: another host that is enabled has the name, location and scheme
 * - TUNNEL_LIMIT: the client has as many tunnels and hosts as it may
 */
export type RecordErrorCode = 'RECORD_UNKNOWN' | 'RECORD_VALUE' | 'PORT_TAKEN' | 'HOST_TAKEN' | 'TUNNEL_LIMIT'

/** What was asked of the records cannot be. The message is one line and holds no secret. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
  readonly code: RecordErrorCode

  constructor(code: RecordErrorCode, message: string, options?: ErrorOptions) {
    super(message.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' '), options)
    this.code = code
  }
}

/** A value for an error message, short. */
export const show = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80)

/** Any error of SQLite as a RecordError or a StoreError that names the file; others stay themselves. */
export function asRecordError(error: unknown, file: string): unknown {
  const { code, message } = Object(error)
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return error
  if (code !== 'SQLITE_CONSTRAINT_UNIQUE') return asStoreError(error, file)
  const what = /_by_(vkey|key|password)/.exec(String(message))?.[1] ?? 'value'
  return new RecordError('RECORD_VALUE', `another one has this ${what} already`, { cause: error })
}
