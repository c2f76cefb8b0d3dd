import { lookup as getaddrinfo, type LookupAddress } from 'node:dns'
import { errnoOf } from '../net-error.ts'
import { Line } from './line.ts'
import type { Answer, IpFamily, NameSource } from './name-source.ts'

/** As `lookup` of node:dns. */
export type LookupAll = (
  host: string,
  options: { all: true; family: 0 | 4 | 6 },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

export interface SystemNamesOptions {
  readonly only?: IpFamily | undefined
  /** How long an answer is kept: the system does not say. @default 30,000 */
  readonly ttlMs?: number
  /** @default getaddrinfo */
  readonly lookup?: LookupAll
}

const SYSTEM_TTL_MS = 30_000
const SYSTEM_UNKNOWN_TTL_MS = 5000
/**
 * A getaddrinfo holds one of libuv's four threads for as long as name servers are silent, and passwords are checked on
 * the same four. What waits here, and not in libuv, can be taken back.
 */
const SYSTEM_PARALLEL = 2
const SYSTEM_WAITING = 256

/** The system's own names: hosts file, search domains, and whatever else it knows. */
export const systemNames = (options: SystemNamesOptions = {}): NameSource => {
  const { only, ttlMs = SYSTEM_TTL_MS, lookup = getaddrinfo } = options
  const family = only === undefined ? 0 : only === 'ipv4' ? 4 : 6
  const ask = (name: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      lookup(name, { all: true, family }, (error, addresses) => {
        if (error === null && addresses.length > 0)
          return resolve({ ips: addresses.map(({ address }) => address), ttlMs })
        if (error === null || errnoOf(error) === 'ENOTFOUND')
          return resolve({ ips: [], ttlMs: SYSTEM_UNKNOWN_TTL_MS })
        reject(error)
      })
    })
  return { line: new Line(SYSTEM_PARALLEL, SYSTEM_WAITING), ask }
}
