import { createHash } from 'node:crypto'
import type { Log } from '@sluice/service'
import { TimeSlices } from '../time-slices.ts'
import type { SourceStatus } from './source-status.ts'
import type { SourceStore } from './source-store.ts'
import type { UserList } from './user-list.ts'

export interface OwnerFeedOptions {
  /** Whose the users are: `file` or `panel`. */
  readonly owner: string
  readonly store: Pick<SourceStore, 'sync'>
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly status: SourceStatus
}

/** Users that are told one by one why they are not served; the others are counted. */
const MAX_TOLD = 20

interface Told {
  readonly user: string
  readonly field?: string
  readonly wanted: string
}

/** Leads lists of users, as bytes, into the store. */
export class OwnerFeed {
  readonly #options: OwnerFeedOptions
  #digest: string | undefined = undefined
  #told = ''

  constructor(options: OwnerFeedOptions) {
    this.#options = options
  }

  /**
   * Makes the owner's users those that `read` finds in the bytes; does nothing where they are those of the last time.
   * @throws what `read` throws, StoreError; the users are then as they were
   */
  async take(bytes: Uint8Array, read: (bytes: Uint8Array) => Promise<UserList>): Promise<void> {
    const digest = createHash('sha256').update(bytes).digest('base64')
    if (digest === this.#digest) return
    // To hash, to parse and to check the list of a great panel are each as long as connections should have to wait.
    await new TimeSlices().pause()
    const list = await read(bytes)
    const { owner, store, log, status } = this.#options
    const { changed, refused } = await store.sync(owner, list.users)
    this.#digest = digest
    const told = [...refusals(owner, list), ...refused.map((each) => stored(owner, each))]
    status.refused = told.length
    this.#tell(told)
    log.info(
      { source: owner, users: list.users.length - refused.length, changed, refused: told.length },
      'users.synced',
    )
  }

  /** Once, and again when it is something else. */
  #tell(told: readonly Told[]): void {
    const text = JSON.stringify(told)
    if (text === this.#told) return
    this.#told = text
    const { owner, log } = this.#options
    for (const each of told.slice(0, MAX_TOLD)) log.warn({ source: owner, ...each }, 'user.refused')
    const more = told.length - MAX_TOLD
    if (more > 0) log.warn({ source: owner, more }, 'users.refused')
  }
}

const refusals = (owner: string, { refused }: UserList): Told[] =>
  refused.map(({ index, key, field, wanted }) => {
    return { user: key === undefined ? `users[${index}]` : `${owner}-${key}`, row: index, field, wanted }
  })

const stored = (owner: string, { key, problem }: { key: string; problem: string }): Told => {
  return { user: `${owner}-${key}`, wanted: problem }
}
