import { parseNetwork } from '@sluice/net'
import { isGroupName, isUserName } from '@sluice/userstore'
import { patternKeys } from './name-keys.ts'
import { MAX_PATTERN_STEPS, patternSteps } from './name-patterns.ts'
import { DIRECT, MAX_RULES, MAX_VIA, type PortRange, PROTOCOLS, type Rule } from './rule.ts'
import { timeWindow } from './time-window.ts'
import {
  hint,
  listOf,
  objectOf,
  type Problems,
  type Reader,
  reader,
  shown,
  textOf,
  wordOf,
} from './value-reader.ts'

const LABEL = /^[^\p{Cc}\p{Cs}]{1,64}$/u
const label = textOf('a text of 1 to 64 characters', (text) => LABEL.test(text))

const network = textOf('a network, such as 10.0.0.0/8 or fd00::/8', (text) => {
  try {
    return text.length <= 64 && parseNetwork(text).bits >= 0
  } catch {
    return false
  }
})

const pattern: Reader<string> = (value, path, problems) => {
  const steps = typeof value === 'string' ? patternSteps(value) : 'wanted a text'
  if (typeof value === 'string' && typeof steps === 'number') return value
  problems.push(`${path}: ${shown(value)} is not a regular expression: ${steps}`)
  return undefined
}

const port = reader(
  'a port or a range of ports, such as 443 or "8000-8999"',
  (value): PortRange | undefined => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(value)) ?? []
    const [from, to] = [Number(first), Number(last)]
    return from >= 1 && from <= to && to <= 65_535 ? [from, to] : undefined
  },
)

const rule = objectOf<Rule>('a rule, such as { action: deny, ports: [25] }', {
  name: label,
  action: wordOf(['allow', 'deny']),
  listeners: listOf(label),
  users: listOf(textOf('the name of a user', isUserName)),
  groups: listOf(textOf('the name of a group', isGroupName)),
  clients: listOf(network),
  targets: listOf(network),
  names: listOf(
    textOf(
      'a name, such as example.com, .example.com or *.example.com',
      (text) => patternKeys(text) !== undefined,
    ),
  ),
  regex: listOf(pattern),
  ports: listOf(port),
  protocols: listOf(wordOf(PROTOCOLS)),
  times: listOf(timeWindow),
  private: reader('true or false', (value) => (typeof value === 'boolean' ? value : undefined)),
  via: listOf(label),
})

/** As many are told at once; whoever has more made one mistake many times. */
const MAX_TOLD = 20

/** Rules as they stand in a file, and all that is wrong with them, each problem behind its path; then use no rule. */
export const readRules = (value: unknown): { rules: readonly Rule[]; problems: readonly string[] } => {
  if (!Array.isArray(value)) return { rules: [], problems: [': wanted a list of rules'] }
  if (value.length > MAX_RULES) return { rules: [], problems: [`: more than ${MAX_RULES} rules`] }
  const problems: Problems = []
  const names = new Map<string, number>()
  const rules = value.flatMap((each, i) => {
    const read = rule(each, `[${i}]`, problems)
    if (read === undefined) return []
    if (read.name !== undefined && names.has(read.name)) {
      problems.push(`[${i}].name: ${shown(read.name)} is the name of [${names.get(read.name)}] already`)
    }
    if (read.name !== undefined) names.set(read.name, i)
    return [whole(read, each, `[${i}]`, problems)]
  })
  if (problems.length === 0) checkPatternSteps(rules, problems)
  const more = problems.length - MAX_TOLD
  return { rules, problems: more > 0 ? [...problems.slice(0, MAX_TOLD), `: and ${more} more`] : problems }
}

/** Says at which rule the regular expressions become too many. */
const checkPatternSteps = (rules: readonly Rule[], problems: Problems): void => {
  const seen = new Set<string>()
  let left = MAX_PATTERN_STEPS
  for (const [i, { regex = [] }] of rules.entries()) {
    for (const each of regex.filter((text) => !seen.has(text))) {
      seen.add(each)
      left -= Number(patternSteps(each))
      if (left >= 0) continue
      problems.push(`[${i}].regex: with ${shown(each)} the regular expressions of all rules are too large`)
      return
    }
  }
}

/** What only makes sense beside other keys. */
const whole = (read: Partial<Rule>, given: object, path: string, problems: Problems): Rule => {
  if (!('action' in given)) problems.push(`${path}.action: missing, wanted one of allow, deny`)
  const { action = 'deny' } = read
  for (const key of ['private', 'via'] as const) {
    if (read[key] && action === 'deny' && read.action !== undefined) {
      problems.push(`${path}.${key}: only a rule with "action: allow" has it`)
    }
  }
  if (read.via !== undefined && read.via.length > MAX_VIA) {
    problems.push(`${path}.via: more than ${MAX_VIA} names`)
  }
  if (read.private && !('targets' in given)) {
    problems.push(`${path}.private: wants targets, the networks that it opens`)
  }
  return { ...read, action }
}

/** Names that rules use of what stands elsewhere. */
export interface KnownNames {
  readonly listeners: readonly string[]
  /** Without `direct`. */
  readonly upstreams: readonly string[]
}

/** @returns what is wrong with the names in `rules`, as `readRules` does */
export const unknownNames = (rules: readonly Rule[], known: KnownNames): readonly string[] =>
  rules.flatMap(({ listeners = [], via = [] }, i) => [
    ...namesNotIn(listeners, known.listeners, `[${i}].listeners`, 'listener'),
    ...namesNotIn(via, [DIRECT, ...known.upstreams], `[${i}].via`, 'upstream'),
  ])

const namesNotIn = (
  names: readonly string[],
  known: readonly string[],
  path: string,
  kind: string,
): readonly string[] =>
  names
    .filter((name) => !known.includes(name))
    .map((name) => `${path}: ${shown(name)} is no ${kind}${hint(name, known)}`)
