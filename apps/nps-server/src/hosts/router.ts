import type { LiveHost } from '../registry.ts'
import { matchedPath } from './matched-path.ts'

/** What a visitor speaks. */
export type Scheme = 'http' | 'https'

/** What is known of a request before it is known whose it is. */
export interface Wanted {
  /** In lower case, without port and root dot. */
  readonly host: string
  /** In origin-form, query included, or `*`. */
  readonly path: string
  readonly scheme: Scheme
}

const WILDCARD = '*.'

/**
 * Which host a request is for. A name itself comes before wildcards, of which the longest comes first; `*.name` stands for
 * names with one label or more to the left, and not for `name`. Then the longest location decides.
 */
export class HostRouter {
  readonly #byName = new Map<string, LiveHost[]>()

  constructor(hosts: Iterable<LiveHost>) {
    for (const live of hosts) {
      const name = nameOf(live)
      const known = this.#byName.get(name)
      if (known === undefined) this.#byName.set(name, [live])
      else known.push(live)
    }
    for (const list of this.#byName.values()) list.sort(byLocation)
  }

  /** @param now wall clock; who is disabled or has expired by then is not there */
  find({ host, path, scheme }: Wanted, now: number): LiveHost | undefined {
    const matched = matchedPath(path)
    for (const list of this.#lists(host)) {
      const live = list.find((each) => serves(each, matched, scheme) && isThere(each, now))
      if (live !== undefined) return live
    }
    return undefined
  }

  /** All that a name in TLS may stand for (RFC 6066 §3), the nearest first. */
  *named(name: string, now: number): Iterable<LiveHost> {
    for (const list of this.#lists(name)) {
      for (const live of list) if (live.record.scheme !== 'http' && isThere(live, now)) yield live
    }
  }

  *#lists(host: string): Iterable<readonly LiveHost[]> {
    const exact = this.#byName.get(host)
    if (exact !== undefined) yield exact
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const list = this.#byName.get(`${WILDCARD}${host.slice(dot + 1)}`)
      if (list !== undefined) yield list
    }
  }
}

/** Spelt as that of a request is. */
const nameOf = ({ record: { host } }: LiveHost): string =>
  host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')

const byLocation = ({ record: a }: LiveHost, { record: b }: LiveHost): number =>
  b.location.length - a.location.length || a.id - b.id

const serves = ({ record }: LiveHost, path: string, scheme: Scheme): boolean => {
  if (record.scheme !== 'all' && record.scheme !== scheme) return false
  // Its TLS is not ended here, so what has come out of TLS is not for it.
  if (record.passThrough && scheme === 'https') return false
  return isWithin(path, record.location)
}

/** By whole segments: `/api` has `/api` and `/api/x`, and not `/apix`. */
const isWithin = (path: string, location: string): boolean => {
  const prefix = location.endsWith('/') ? location.slice(0, -1) : location
  if (path === '*') return prefix === ''
  if (!path.startsWith(prefix)) return false
  return path.length === prefix.length || path[prefix.length] === '/'
}

const isThere = (live: LiveHost, now: number): boolean =>
  [live.account, live.client.account].every((account) => !GONE.has(account.state(now)))

const GONE: ReadonlySet<string> = new Set(['disabled', 'expired'])
