import { type AddressPolicy, plainIp, type Route, type TargetPolicy } from '@sluice/net'
import { ConfigError } from '../config-error.ts'
import { ServiceError } from '../errors.ts'
import { CompiledRule, type Verdict } from './compiled-rule.ts'
import { Facts, type Subject } from './facts.ts'
import { NamePatterns } from './name-patterns.ts'
import { DIRECT, type Rule } from './rule.ts'
import { RuleIndex } from './rule-index.ts'
import { type KnownNames, unknownNames } from './rule-reader.ts'
import type { WallClock } from './time-window.ts'

export interface AccessOptions extends KnownNames {
  /** Wall clock, ms since 1970. @default Date.now */
  readonly now?: () => number
}

/** A verdict on what is known before a name is resolved. */
export interface EarlyVerdict extends Verdict {
  /** Another rule may decide for some address of the name: ask `checkAddress` about each. */
  readonly depends: boolean
}

/** Rules have denied it. `rule` is the name of the one that did, or its place; none where it is for want of one. */
export class AccessError extends ServiceError {
  readonly rule: string | undefined

  constructor(rule: string | undefined, message: string) {
    super('ACCESS_DENIED', message)
    this.rule = rule
  }
}

/** The rule that an error of any class tells of, see AccessError. */
export const ruleOf = (error: unknown): unknown =>
  error instanceof Error && 'rule' in error ? error.rule : undefined

/** The upstream, or group of upstreams, that takes whatever no rule sends elsewhere, where there is one of this name. */
const DEFAULT_UPSTREAM = 'default'

/**
 * Ordered rules, made ready once. The first that matches decides; where none does, it is allowed. What the address
 * policy denies stays denied, unless a rule opens it.
 */
export class Access {
  /** Nothing to judge: everything is allowed, and goes direct. */
  readonly isPlain: boolean
  /** Some rule with `targets` says where to go, so a name has to be resolved to know. */
  readonly routesByAddress: boolean
  readonly #now: () => number
  readonly #patterns: NamePatterns
  readonly #otherwise: Verdict
  /** For an address that is known. */
  readonly #known: RuleIndex
  /** For a name: what does not ask for its address, and what does. */
  readonly #certain: RuleIndex
  readonly #possible: RuleIndex

  /** @throws ConfigError that names every listener and upstream that does not exist */
  constructor(rules: readonly Rule[], options: AccessOptions) {
    const unknown = unknownNames(rules, options)
    if (unknown.length > 0) {
      throw new ConfigError('CONFIG_INVALID', unknown.map((problem) => `rules${problem}`).join('; '))
    }
    const via = [options.upstreams.includes(DEFAULT_UPSTREAM) ? DEFAULT_UPSTREAM : DIRECT]
    const clocks = new Map<string, WallClock>()
    const pairs = rules.map((rule, i) => [rule, new CompiledRule(rule, i, via, clocks)] as const)
    this.#now = options.now ?? Date.now
    this.#patterns = new NamePatterns(rules.flatMap(({ regex = [] }) => regex))
    this.#otherwise = { allow: true, rule: undefined, private: false, via }
    this.#known = new RuleIndex(pairs, true)
    this.#certain = new RuleIndex(
      pairs.filter(([{ targets }]) => targets === undefined),
      false,
    )
    this.#possible = new RuleIndex(
      pairs.filter(([{ targets }]) => targets !== undefined),
      false,
    )
    this.isPlain = rules.length === 0 && via[0] === DIRECT
    this.routesByAddress = pairs.some(
      ([{ targets }, { verdict }]) => targets !== undefined && verdict.allow && !isDirect(verdict),
    )
  }

  /** Judges what is known before the dial. */
  check(subject: Subject): EarlyVerdict {
    const ip = plainIp(subject.host)
    const facts = new Facts(subject, this.#now(), this.#patterns, ip)
    if (ip !== undefined) return { ...this.#verdict(this.#known.first(facts)), depends: false }
    const certain = this.#certain.first(facts)
    const possible = this.#possible.first(facts)
    const depends = possible !== undefined && possible.index < (certain?.index ?? Infinity)
    return { ...this.#verdict(certain), depends }
  }

  /** Judges one address that the host of the subject has led to, or is. */
  checkAddress(subject: Subject, ip: string, port: number = subject.port): Verdict {
    const facts = new Facts(subject, this.#now(), this.#patterns, plainIp(ip), port)
    return this.#verdict(this.#known.first(facts))
  }

  /** Where what is known before the dial is sent. */
  route(subject: Subject): { readonly via: readonly string[] } {
    return this.check(subject)
  }

  /** Before its name is resolved: whether all addresses would be denied. @throws AccessError */
  checkDirect(subject: Subject): void {
    const verdict = this.check(subject)
    if (!verdict.depends && !goesDirect(verdict)) throw denial(verdict, subject)
  }

  /**
   * What may be dialled from here for the subject: asks the rules first, then the address policy. What a rule sends
   * through an upstream and not `direct` may not.
   */
  policyFor(subject: Subject, policy: AddressPolicy): TargetPolicy {
    return {
      check: (ip, port): void => {
        const verdict = this.checkAddress(subject, ip, port)
        if (!goesDirect(verdict)) throw denial(verdict, subject)
        policy.check(ip, port, verdict.private)
      },
    }
  }

  /** Whether the subject may go by a route that was dialled for the same target before. */
  allows(subject: Subject, { conn, upstream }: Route, policy: AddressPolicy): boolean {
    if (upstream !== undefined) {
      const { allow, depends, via } = this.check(subject)
      return allow && !depends && via.includes(upstream)
    }
    try {
      this.policyFor(subject, policy).check(conn.remote.host, subject.port)
      return true
    } catch {
      return false
    }
  }

  #verdict(rule: CompiledRule | undefined): Verdict {
    return rule?.verdict ?? this.#otherwise
  }
}

const goesDirect = ({ allow, via }: Verdict): boolean => allow && via.includes(DIRECT)

/** Whether it can only go from here to the target itself. */
export const isDirect = ({ via }: Verdict): boolean => via.every((name) => name === DIRECT)

/** Why it may not be dialled from here, as an error. */
export const denial = ({ rule, allow, via }: Verdict, { user, host, port }: Subject): AccessError => {
  const why = allow ? `goes through ${via.join(', ')}, which this cannot` : `is denied by ${rule}`
  return new AccessError(rule, `${user} to ${host}:${port} ${why}`)
}
