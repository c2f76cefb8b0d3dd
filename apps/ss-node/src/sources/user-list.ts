import { SourceError } from './source-error.ts'
import type { OwnedUser } from '@sluice/userstore'
import { TimeSlices } from '../time-slices.ts'
import { ownedUser, RowError, rowKey } from './user-row.ts'

/** Why one row of a list is no user. */
export interface Refusal {
  /** Of the row in its list, from 0. */
  readonly index: number
  /** The user's key, where the row has a good one. */
  readonly key: string | undefined
  readonly field: string
  readonly wanted: string
}

/** The users of a source, and the rows that are none. */
export interface UserList {
  readonly users: readonly OwnedUser[]
  readonly refused: readonly Refusal[]
}

export const MAX_USERS = 100_000
const ROWS_BETWEEN_LOOKS = 32

/**
 * The users of rows, in slices. A bad row is refused on its own, as is a second one of a user.
 * @param sharedPort of rows without a port
 * @throws SourceError USERS_TOO_LONG
 */
export const readRows = async (rows: readonly unknown[], sharedPort?: number): Promise<UserList> => {
  if (rows.length > MAX_USERS) throw new SourceError('USERS_TOO_LONG', `over ${MAX_USERS} users`)
  const users = new Map<string, OwnedUser>()
  const refused: Refusal[] = []
  const slices = new TimeSlices()
  await slices.pause()
  for (const [index, row] of rows.entries()) {
    if (index % ROWS_BETWEEN_LOOKS === 0 && slices.isOver) await slices.pause()
    const problem = readRow(row, users, sharedPort)
    if (problem !== undefined) refused.push({ index, key: rowKey(row), ...problem })
  }
  return { users: [...users.values()], refused }
}

const readRow = (
  row: unknown,
  users: Map<string, OwnedUser>,
  sharedPort: number | undefined,
): Pick<Refusal, 'field' | 'wanted'> | undefined => {
  try {
    const user = ownedUser(row, sharedPort)
    if (users.has(user.key)) return { field: 'user_id', wanted: 'one row for a user' }
    users.set(user.key, user)
    return undefined
  } catch (error) {
    if (error instanceof RowError) return { field: error.field, wanted: error.wanted }
    throw error
  }
}
