import { RE2JS, RE2JSException, RE2Set } from 're2js'

export const MAX_PATTERN_LENGTH = 256
/**
 * Steps of the automaton that all patterns together become. A name of 253 characters that needs states nobody needed
 * before takes some 10 ms with so many, and a few microseconds otherwise.
 */
export const MAX_PATTERN_STEPS = 2000
/** For the states that were needed; beyond it they are worked out anew. */
const MAX_STATE_BYTES = 4 * 1024 * 1024

/** How much of `MAX_PATTERN_STEPS` a pattern takes, or what is wrong with it. */
export const patternSteps = (pattern: string): number | string => {
  if (pattern.length === 0) return 'it is empty'
  if (pattern.length > MAX_PATTERN_LENGTH) return `more than ${MAX_PATTERN_LENGTH} characters`
  try {
    return RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE).programSize()
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    // Its own words, without those that it put before the pattern.
    return error.message.replace('error parsing regexp: ', '').replace('`(?i)', '`')
  }
}

/**
 * Regular expressions in the syntax of RE2, found anywhere in a name, in whatever case. They are one automaton, so that
 * a name is read once however many there are, in a time that grows with its length and no faster.
 */
export class NamePatterns {
  readonly #patterns: readonly string[]
  readonly #set = new RE2Set(RE2Set.UNANCHORED, RE2JS.CASE_INSENSITIVE, MAX_STATE_BYTES)

  /** @param patterns such as `patternSteps` takes */
  constructor(patterns: Iterable<string>) {
    this.#patterns = [...new Set(patterns)]
    for (const pattern of this.#patterns) this.#set.add(pattern)
    this.#set.compile()
  }

  /** Those that the name matches. */
  in(name: string): readonly string[] {
    if (this.#patterns.length === 0) return []
    return this.#set.match(name).map((id) => this.#patterns[id]!)
  }
}
