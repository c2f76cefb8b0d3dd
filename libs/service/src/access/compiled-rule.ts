import { parseNetwork } from '@sluice/net'
import type { Facts } from './facts.ts'
import { patternKeys } from './name-keys.ts'
import { NetworkTable } from './network-table.ts'
import type { Conditions, PortRange, Rule } from './rule.ts'
import { timeMatch, type WallClock } from './time-window.ts'

/** What was decided, and by which rule; none where none matched. */
export interface Verdict {
  readonly allow: boolean
  readonly rule: string | undefined
  /** Denied ranges are open for it. */
  readonly private: boolean
  /** Names of upstreams, or `direct`, in the order in which to try them. */
  readonly via: readonly string[]
}

type Condition = (facts: Facts) => boolean

/** A rule, made ready to be asked often. */
export class CompiledRule {
  readonly index: number
  readonly verdict: Verdict
  readonly networks: NetworkTable<true> | undefined
  readonly #conditions: readonly Condition[]

  /** @param via where its traffic goes if it does not say */
  constructor(rule: Rule, index: number, via: readonly string[], clocks: Map<string, WallClock>) {
    this.index = index
    this.verdict = {
      allow: rule.action === 'allow',
      rule: rule.name ?? `rules[${index}]`,
      private: rule.private ?? false,
      via: rule.via ?? via,
    }
    this.networks = rule.targets && tableOf(rule.targets)
    this.#conditions = conditionsOf(rule, clocks)
  }

  /** Whether all conditions hold; of those about the target's address nothing is known as long as there is none. */
  matches(facts: Facts): boolean {
    for (const condition of this.#conditions) if (!condition(facts)) return false
    return this.networks === undefined || facts.ip === undefined || this.networks.find(facts.ip) !== undefined
  }
}

const tableOf = (cidrs: readonly string[]): NetworkTable<true> =>
  new NetworkTable(cidrs.map((cidr) => [parseNetwork(cidr), true]))

/** All but that about the target's address, the cheap ones first. */
const conditionsOf = (rule: Conditions, clocks: Map<string, WallClock>): Condition[] => {
  const conditions: Condition[] = []
  const { listeners, protocols, ports, users, groups, names, clients, times, regex } = rule
  if (listeners) conditions.push(among(listeners, ({ subject }) => subject.listener))
  if (protocols) conditions.push(among(protocols, ({ subject }) => subject.protocol))
  if (ports) conditions.push(inRanges(ports))
  if (users) conditions.push(among(users, ({ subject }) => subject.user))
  if (groups) conditions.push(anyAmong(groups, ({ subject }) => subject.groups))
  if (names)
    conditions.push(
      anyAmong(
        names.flatMap((name) => patternKeys(name)!),
        (facts) => facts.nameKeys,
      ),
    )
  if (clients) conditions.push(fromNetworks(tableOf(clients)))
  if (times) {
    const isNow = timeMatch(times, clocks)
    conditions.push(({ now }) => isNow(now))
  }
  if (regex) conditions.push(anyAmong(regex, (facts) => facts.namePatterns))
  return conditions
}

const among = (values: readonly string[], of: (facts: Facts) => string): Condition => {
  const set = new Set(values)
  return (facts) => set.has(of(facts))
}

const anyAmong = (values: readonly string[], of: (facts: Facts) => readonly string[]): Condition => {
  const set = new Set(values)
  return (facts) => of(facts).some((value) => set.has(value))
}

const inRanges = (ranges: readonly PortRange[]): Condition => {
  const sorted = ranges.toSorted(([a], [b]) => a - b)
  return ({ port }) => sorted.some(([from, to]) => port >= from && port <= to)
}

const fromNetworks =
  (table: NetworkTable<true>): Condition =>
  ({ client }) =>
    client !== undefined && table.find(client) !== undefined
