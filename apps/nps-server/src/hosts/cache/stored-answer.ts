import type CachePolicy from 'http-cache-semantics'
import { encodeResponseHead, type HttpField } from '@sluice/wire'
import { headersOf, type Sought } from './sought.ts'

/** What an entry costs besides its body, about. */
const OVERHEAD = 2048

/** For as long at the most is it taken to be fresh what does not say so itself. */
const GUESS_SECONDS = 600

const NOTHING = new Uint8Array(0)

/** Fields that go with a 304 (RFC 9110 §15.4.5). */
const UNMODIFIED: ReadonlySet<string> = new Set([
  'cache-control',
  'content-location',
  'date',
  'etag',
  'expires',
  'last-modified',
  'vary',
])

/** Ends the conn that there is none of behind this answer, and not that of the visitor. */
const CLOSE: HttpField = ['Connection', 'close']

export interface StoredParts {
  readonly policy: CachePolicy
  /** For visitors, without those that frame. */
  readonly fields: readonly HttpField[]
  readonly body: Uint8Array
  /** It was not said how long it is fresh, so who says more of themselves than others is asked for anew. */
  readonly isGuess: boolean
}

/** A whole answer with status 200 that may be given to others. */
export class StoredAnswer {
  readonly bytes: number
  readonly #parts: StoredParts

  constructor(parts: StoredParts) {
    const head = parts.fields.reduce((sum, [name, value]) => sum + name.length + value.length, OVERHEAD)
    this.bytes = head + parts.body.length
    this.#parts = parts
  }

  /** Whether it is what is sought, and fresh. */
  answers({ headers }: Sought): boolean {
    const { policy, isGuess } = this.#parts
    if (isGuess && (policy.age() >= GUESS_SECONDS || headers['cookie'] !== undefined)) return false
    if (policy.stale()) return false
    return policy.satisfiesWithoutRevalidation({ headers })
  }

  /** As a target would send it. */
  give({ method, headers }: Sought): { head: Uint8Array; body: Uint8Array } {
    const { fields, body, policy } = this.#parts
    const age: HttpField = ['Age', String(Math.floor(policy.age()))]
    if (this.#isKnown(headers)) {
      const kept = fields.filter(([name]) => UNMODIFIED.has(name.toLowerCase()))
      const head = encodeResponseHead({ status: 304, reason: 'Not Modified', fields: [...kept, age, CLOSE] })
      return { head, body: NOTHING }
    }
    const length: HttpField = ['Content-Length', String(body.length)]
    const head = encodeResponseHead({ status: 200, reason: 'OK', fields: [...fields, age, length, CLOSE] })
    return { head, body: method === 'HEAD' ? NOTHING : body }
  }

  /** The visitor has it already, as they say (RFC 9110 §13.2.2). */
  #isKnown(headers: Sought['headers']): boolean {
    const own = headersOf(this.#parts.fields)
    const known = headers['if-none-match']
    if (known !== undefined)
      return known.trim() === '*' || tagsOf(known).includes(tagsOf(own['etag'] ?? '')[0] ?? '')
    const since = Date.parse(headers['if-modified-since'] ?? '')
    return Date.parse(own['last-modified'] ?? '') <= since
  }
}

/** Whether they are weak makes no difference here (RFC 9110 §13.1.2). */
const tagsOf = (list: string): string[] => list.match(/"[^"]*"/g) ?? []
