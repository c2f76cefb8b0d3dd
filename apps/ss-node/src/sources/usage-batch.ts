import { randomUUID } from 'node:crypto'
import type { Unreported } from '@sluice/userstore'
import { TimeSlices } from '../time-slices.ts'

/** What of a user is told to a panel besides bytes. */
export interface Presence {
  /** Connections that are open now. */
  readonly connections: number
  /** Client addresses since they were last taken. */
  takeSeen(): Iterable<string>
}

/** Whom a user's presence is asked of, by the user's id; undefined for one who is not here. */
export type Presences = (userId: string) => Presence | undefined

/** Bytes that a panel is to book. What was posted once stays as it is: key, entries and body. */
export interface UsageBatch {
  /** By which the panel can know it again. */
  readonly key: string
  readonly entries: readonly Omit<Unreported, 'key'>[]
  readonly body: string
}

export interface BatchSource {
  readonly rows: readonly Unreported[]
  readonly presences: Presences
  /** Addresses that a batch which came to nothing was to tell, by user id. */
  readonly seen: Map<string, Set<string>>
  /** Over how long the bytes passed, s, for panels that want bandwidths; undefined for others. */
  readonly seconds: number | undefined
}

/** Addresses of one user in one batch; what is beyond is not told. */
export const MAX_ADDRESSES = 16
/** Servers take 1 MB and more unless told otherwise; nginx no more. */
const MAX_BODY = 512 * 1024

/** The batches that the rows make; a single empty one where there is no row. */
export async function* usageBatches(source: BatchSource): AsyncGenerator<UsageBatch> {
  const { rows } = source
  const slices = new TimeSlices()
  let pending: Pending = { rows: [], texts: [], length: 0 }
  for (const row of rows) {
    const text = rowText(row, source)
    if (pending.length + text.length > MAX_BODY) {
      yield batchOf(pending, source.seconds)
      pending = { rows: [], texts: [], length: 0 }
    }
    pending.rows.push(row)
    pending.texts.push(text)
    pending.length += text.length + 1
    if (slices.isOver) await slices.pause()
  }
  yield batchOf(pending, source.seconds)
}

interface Pending {
  readonly rows: Unreported[]
  readonly texts: string[]
  length: number
}

const batchOf = ({ rows, texts }: Pending, seconds: number | undefined): UsageBatch => ({
  key: randomUUID(),
  entries: rows.map(({ userId, up, down }) => ({ userId, up, down })),
  body: `{"data":[${texts.join(',')}]${bandwidths(rows, seconds)}}`,
})

const bandwidths = (rows: readonly Unreported[], seconds: number | undefined): string => {
  if (seconds === undefined) return ''
  const per = (bytes: number): number => Math.round(bytes / Math.max(1, seconds))
  const up = per(rows.reduce((sum, row) => sum + row.up, 0))
  const down = per(rows.reduce((sum, row) => sum + row.down, 0))
  return `,"upload_bandwidth":${up},"download_bandwidth":${down}`
}

const rowText = ({ userId, key, up, down }: Unreported, { presences, seen }: BatchSource): string => {
  const presence = presences(userId)
  const addresses = seen.get(userId) ?? new Set<string>()
  for (const address of presence?.takeSeen() ?? []) {
    if (addresses.size < MAX_ADDRESSES) addresses.add(address)
  }
  if (addresses.size > 0) seen.set(userId, addresses)
  return JSON.stringify({
    user_id: Number(key),
    upload_traffic: up,
    download_traffic: down,
    tcp_conn_num: presence?.connections ?? 0,
    ip_list: [...addresses],
  })
}
