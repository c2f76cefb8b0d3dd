import type { HeadEdits, HttpField } from '@sluice/wire'
import { isSettableField } from '@sluice/wire'
import type { HostRecord } from '../records.ts'
import type { Scheme } from './router.ts'

/** Of whom a target is told. */
export interface Visitor {
  readonly ip: string
  readonly scheme: Scheme
  /** The host that was asked for, port included. */
  readonly authority: string
}

/** Of a record: the fields that may be set, and their names in lower case. */
interface Settings {
  readonly set: readonly HttpField[]
  readonly names: ReadonlySet<string>
}

const settings = new WeakMap<HostRecord, Settings>()

const settingsOf = (record: HostRecord): Settings => {
  const known = settings.get(record)
  if (known !== undefined) return known
  const set = record.headers.filter(([name, value]) => isSettableField(name, value))
  const made = { set, names: new Set(set.map(([name]) => name.toLowerCase())) }
  settings.set(record, made)
  return made
}

/** What a target gets to see of a request in place of what the visitor sent. @param isOurs the visitor has signed in here */
export const editsOf = (
  record: HostRecord,
  { ip, scheme, authority }: Visitor,
  isOurs: boolean,
): HeadEdits => {
  const { set, names } = settingsOf(record)
  const origin: HttpField[] = [
    ['X-Forwarded-For', ip],
    ['X-Forwarded-Proto', scheme],
    ['X-Real-IP', ip],
  ]
  if (authority !== '') origin.push(['X-Forwarded-Host', authority])
  const { hostChange } = record
  const host = hostChange !== undefined && isSettableField('X', hostChange) ? hostChange : authority
  return {
    host,
    set,
    origin: names.size === 0 ? origin : origin.filter(([name]) => !names.has(name.toLowerCase())),
    // The password is for this door, and nobody behind it.
    without: isOurs ? ['authorization'] : [],
  }
}
