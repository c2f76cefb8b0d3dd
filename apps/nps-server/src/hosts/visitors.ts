import { AddressSet } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import type { LiveHost } from '../registry.ts'
import type { ClientRecord, HostRecord } from '../records.ts'

interface Lists {
  readonly allow: AddressSet | undefined
  readonly deny: AddressSet
}

/** By record: one that is changed is another object. */
const lists = new WeakMap<ClientRecord | HostRecord, Lists>()

const listsOf = (record: ClientRecord | HostRecord): Lists => {
  const known = lists.get(record)
  if (known !== undefined) return known
  const { allow, deny = [] } = record
  const made = { allow: allow && new AddressSet(allow), deny: new AddressSet(deny) }
  lists.set(record, made)
  return made
}

/** Whether a visitor may come from there. @throws ServiceError VISITOR_DENIED */
export const checkVisitor = ({ record, client }: LiveHost, ip: string): void => {
  for (const { allow, deny } of [listsOf(client.record), listsOf(record)]) {
    if (deny.has(ip) || allow?.has(ip) === false) throw new ServiceError('VISITOR_DENIED')
  }
}
