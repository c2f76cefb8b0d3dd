import { type IpNetwork, parseNetwork } from '@sluice/net'
import type { CompiledRule } from './compiled-rule.ts'
import type { Facts } from './facts.ts'
import { patternKeys } from './name-keys.ts'
import { NetworkTable } from './network-table.ts'
import type { Rule } from './rule.ts'

/**
 * Rules in order, filed under one condition each, so that only those are looked at that could match: by names, else
 * users, else target networks, else groups. The others are looked at one after the other.
 */
export class RuleIndex {
  readonly #byName = new Map<string, CompiledRule[]>()
  readonly #byUser = new Map<string, CompiledRule[]>()
  readonly #byGroup = new Map<string, CompiledRule[]>()
  readonly #byNetwork: NetworkTable<CompiledRule>
  readonly #rest: CompiledRule[] = []

  /** @param hasAddress it is asked only with facts that hold the target's address */
  constructor(rules: readonly (readonly [Rule, CompiledRule])[], hasAddress: boolean) {
    const networks: [IpNetwork, CompiledRule][] = []
    for (const [{ names, users, targets, groups }, rule] of rules) {
      if (names)
        file(
          this.#byName,
          names.flatMap((name) => patternKeys(name)!),
          rule,
        )
      else if (users) file(this.#byUser, users, rule)
      else if (targets && hasAddress)
        for (const cidr of new Set(targets)) networks.push([parseNetwork(cidr), rule])
      else if (groups) file(this.#byGroup, groups, rule)
      else this.#rest.push(rule)
    }
    this.#byNetwork = new NetworkTable(networks)
  }

  /** The first rule that matches. */
  first(facts: Facts): CompiledRule | undefined {
    let best = firstOf(this.#rest, facts, undefined)
    best = firstOf(this.#byUser.get(facts.subject.user), facts, best)
    if (this.#byGroup.size > 0) {
      for (const group of facts.subject.groups) best = firstOf(this.#byGroup.get(group), facts, best)
    }
    if (this.#byName.size > 0) {
      for (const key of facts.nameKeys) best = firstOf(this.#byName.get(key), facts, best)
    }
    let entry = facts.ip && this.#byNetwork.find(facts.ip)
    for (; entry !== undefined; entry = entry.parent) best = firstOf(entry.values, facts, best)
    return best
  }
}

const file = (map: Map<string, CompiledRule[]>, keys: readonly string[], rule: CompiledRule): void => {
  for (const key of new Set(keys)) {
    const filed = map.get(key)
    if (filed === undefined) map.set(key, [rule])
    else filed.push(rule)
  }
}

/** The first of `rules` that matches and stands before `best`, else `best`. */
const firstOf = (
  rules: readonly CompiledRule[] | undefined,
  facts: Facts,
  best: CompiledRule | undefined,
): CompiledRule | undefined => {
  if (rules === undefined) return best
  const before = best?.index ?? Infinity
  for (const rule of rules) {
    if (rule.index >= before) break
    if (rule.matches(facts)) return rule
  }
  return best
}
