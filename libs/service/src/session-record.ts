import type { Bytes } from '@sluice/metrics'
import type { Address } from '@sluice/wire'
import { type AccessEntry, endpoint } from './access-entry.ts'
import { type Code, OUTCOMES } from './errors.ts'

/** What is to be told of a session that is over. */
export interface SessionRecord extends Bytes {
  /** What everybody calls the request, where it has a name. */
  readonly id?: string | undefined
  readonly door: string
  /** What else the log tells of its listener and of it. */
  readonly fields: Readonly<Record<string, unknown>> | undefined
  readonly client: Address
  /** Unknown where nobody was admitted. */
  readonly user: string | undefined
  readonly protocol: string | undefined
  readonly target: Address | undefined
  /** The address that was connected to. */
  readonly peer: string | undefined
  /** The upstream that led there, where there was one. */
  readonly upstream: string | undefined
  /** Whether the client was told success. */
  readonly accepted: boolean
  readonly ms: number
  readonly code: Code
}

/** The fields of its line in the log. */
export const logFields = (record: SessionRecord): Record<string, unknown> => {
  const { id, door, fields, protocol, user, client, target, upstream, code, up, down, ms } = record
  return {
    id,
    door,
    ...fields,
    protocol,
    user,
    client: endpoint(client),
    target: target && endpoint(target),
    upstream,
    code,
    up,
    down,
    ms,
  }
}

/** Protocols whose sessions are no tunnel, and what stands in the place of CONNECT. */
const METHODS: Readonly<Record<string, string>> = { bind: 'BIND', udp: 'UDP' }

/** Its line in the access log. None where each request of the session has had one. */
export const accessEntry = (record: SessionRecord, at: number): AccessEntry | undefined => {
  const { target, protocol, accepted, fields: _, ...rest } = record
  if (protocol === 'http' && accepted) return undefined
  const method = METHODS[protocol ?? '']
  return {
    ...rest,
    at,
    method: method ?? (target && 'CONNECT'),
    url: target === undefined ? method && '-' : endpoint(target),
    status: OUTCOMES[accepted ? 'OK' : record.code].http,
  }
}
