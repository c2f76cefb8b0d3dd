import { AddressSet } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import type { LiveHost, LiveTunnel } from './registry.ts'

/** Who may visit, as a record says it. */
export interface VisitorLists {
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

interface Sets {
  readonly allow: AddressSet | undefined
  readonly deny: AddressSet | undefined
}

/** Records are replaced when they change, so what was made of one holds for as long as it is there. */
const compiled = new WeakMap<VisitorLists, Sets>()

/** What a visitor comes to: a tunnel or a host, of a client. */
export interface VisitedPlace {
  readonly client: Pick<LiveTunnel['client'], 'record' | 'registered'>
  readonly record: LiveTunnel['record'] | LiveHost['record']
}

/**
 * @param now wall clock, ms since 1970
 * @throws ServiceError VISITOR_DENIED where a list keeps the visitor out, or an address has to be registered and is not
 */
export const checkMayVisit = (
  ip: string,
  { client, record }: VisitedPlace,
  now: number = Date.now(),
): void => {
  checkVisitor(ip, client.record, record)
  if (client.record.registeredOnly === true && !client.registered.has(ip, now))
    throw new ServiceError('VISITOR_DENIED')
}

/** @throws ServiceError VISITOR_DENIED where one of the lists keeps the visitor out */
export const checkVisitor = (ip: string, ...lists: readonly VisitorLists[]): void => {
  for (const list of lists) {
    const { allow, deny } = setsOf(list)
    if (deny?.has(ip) === true || allow?.has(ip) === false) throw new ServiceError('VISITOR_DENIED')
  }
}

const setsOf = (list: VisitorLists): Sets => {
  let sets = compiled.get(list)
  if (sets === undefined) compiled.set(list, (sets = { allow: setOf(list.allow), deny: setOf(list.deny) }))
  return sets
}

/** An empty list is none: nobody means to let in nobody. */
const setOf = (networks: readonly string[] = []): AddressSet | undefined =>
  networks.length === 0 ? undefined : new AddressSet(networks)
