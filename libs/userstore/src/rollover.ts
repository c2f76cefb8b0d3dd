import { periodAt } from './period.ts'
import type { Limits, User } from './user.ts'

/** Knows which users' quota periods began anew since it last looked, traffic or not. */
export class Rollovers {
  readonly #users = new Map<string, { limits: Limits; period: string }>()
  #minute: number

  constructor(now: number) {
    this.#minute = minuteOf(now)
  }

  set(user: User, now: number): void {
    if (user.limits.quotaPeriod === undefined) this.#users.delete(user.id)
    else this.#users.set(user.id, { limits: user.limits, period: periodAt(user.limits, now).name })
  }

  delete(id: string): void {
    this.#users.delete(id)
  }

  /** Ids of the users whose period at `now` is another than when last asked. */
  due(now: number): string[] {
    // Midnight falls on a whole minute in every time zone since 1972, so looking once a minute finds it at once.
    if (minuteOf(now) === this.#minute) return []
    this.#minute = minuteOf(now)
    const due: string[] = []
    for (const [id, known] of this.#users) {
      const period = periodAt(known.limits, now).name
      if (period !== known.period) due.push(id)
      known.period = period
    }
    return due
  }
}

const minuteOf = (now: number): number => Math.floor(now / 60_000)
