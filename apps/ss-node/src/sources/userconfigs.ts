import { SourceError } from './source-error.ts'

/** Bytes of a users file, and of a panel's answer. */
export const MAX_LIST_BYTES: number = 16 * 1024 * 1024

/**
 * The rows of `{"users":[…]}`, not looked at yet.
 * @throws SourceError USERS_FORMAT
 */
export const readUserconfigs = (bytes: Uint8Array): readonly unknown[] => {
  const root = parseJson(bytes)
  if (isRecord(root) && Array.isArray(root['users'])) return root['users'] as unknown[]
  throw new SourceError('USERS_FORMAT', 'wanted {"users": [ … ]}')
}

/** @throws SourceError USERS_FORMAT, which tells where but not what: there are passwords around */
export const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown
  } catch (error) {
    const [where] = /line \d{1,9} column \d{1,9}/.exec(String(error)) ?? []
    throw new SourceError('USERS_FORMAT', where === undefined ? 'not JSON' : `not JSON at ${where}`)
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
