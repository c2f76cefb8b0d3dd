import { AddressSet } from '@sluice/net'
import { ServiceError } from '@sluice/service'

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
