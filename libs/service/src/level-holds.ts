import type { Account, Held } from './account.ts'
import type { ErrorCode } from './errors.ts'
import type { Place } from './roll.ts'

/**
 * Accounts that a session belongs to besides its user's, such as those of a tunnel: each is entered and left with it, lets its
 * bytes go, counts them, and cuts it.
 */
export type Levels = readonly Account[]

/** What a level needs of a session. */
type Levelled = Pick<Held, 'kind' | 'ip' | 'credential' | 'relimit'> & {
  cut(code: ErrorCode): void
}

/** A session as one level holds it. */
class LevelHold implements Held {
  held: Place<Held> | undefined = undefined
  readonly kind: Held['kind']
  readonly ip: string
  readonly #session: Levelled

  constructor(session: Levelled) {
    this.kind = session.kind
    this.ip = session.ip
    this.#session = session
  }

  cut(code: ErrorCode): void {
    this.#session.cut(code)
  }

  relimit(): void {
    this.#session.relimit()
  }
}

/** That a session is in all of its levels. */
export class LevelHolds implements Disposable {
  readonly #holds: { readonly level: Account; readonly hold: LevelHold }[] = []

  /** @throws ServiceError with the code of what stands in the way; then it is in none of them */
  constructor(levels: Levels, session: Levelled, now: number) {
    try {
      for (const level of levels) {
        const hold = new LevelHold(session)
        level.enter(hold, now)
        this.#holds.push({ level, hold })
      }
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  [Symbol.dispose](): void {
    for (const { level, hold } of this.#holds.splice(0)) level.leave(hold)
  }
}
