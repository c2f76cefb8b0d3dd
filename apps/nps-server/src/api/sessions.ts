import { makeToken, hashToken } from '../api-tokens.ts'

/** Since its last request, and in all. */
const IDLE_MS = 30 * 60_000
export const SESSION_MS: number = 12 * 3_600_000
/** Of one token; its oldest goes, and none of another's. */
const MOST = 100

/**
 * Both are needed. The cookie is out of reach for scripts; the key is out of reach for other ports and pages of the same name,
 * which browsers send its cookies to, or let send them.
 */
export interface SessionProof {
  readonly cookie: string
  readonly key: string
}

interface Session {
  readonly tokenId: number
  readonly openedAt: number
  usedAt: number
}

/** Who has signed in at the console. In memory alone: they end with the program. */
export class Sessions {
  readonly #now: () => number
  /** By hash; the oldest first. */
  readonly #open = new Map<string, Session>()

  /** @param now monotonic, ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  open(tokenId: number): SessionProof {
    const now = this.#now()
    for (const [hash, session] of this.#open) if (isOver(session, now)) this.#open.delete(hash)
    const own = this.#of(tokenId)
    if (own.length >= MOST) this.#open.delete(own[0]!)
    const proof = { cookie: makeToken(), key: makeToken() }
    this.#open.set(hashOf(proof), { tokenId, openedAt: now, usedAt: now })
    return proof
  }

  /** By which token it was opened; undefined: it is over, or never was. */
  use(proof: SessionProof): number | undefined {
    const session = this.#open.get(hashOf(proof))
    const now = this.#now()
    if (session === undefined || isOver(session, now)) return undefined
    session.usedAt = now
    return session.tokenId
  }

  close(proof: SessionProof): void {
    this.#open.delete(hashOf(proof))
  }

  /** All that were opened by a token. @returns how many */
  closeOf(tokenId: number): number {
    const hashes = this.#of(tokenId)
    for (const hash of hashes) this.#open.delete(hash)
    return hashes.length
  }

  #of(tokenId: number): string[] {
    return [...this.#open].filter(([, session]) => session.tokenId === tokenId).map(([hash]) => hash)
  }
}

const isOver = ({ openedAt, usedAt }: Session, now: number): boolean =>
  now - usedAt >= IDLE_MS || now - openedAt >= SESSION_MS

const hashOf = ({ cookie, key }: SessionProof): string => hashToken(`${cookie}.${key}`)
