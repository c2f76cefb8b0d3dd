import type { Log } from '@sluice/service'

/** Tells of users whose methods protect nothing: when there are any, and again when there are after there were none. */
export class InsecureNotice {
  readonly #log: Pick<Log, 'warn'>
  #wereAny = false

  constructor(log: Pick<Log, 'warn'>) {
    this.#log = log
  }

  /** So many are served now. */
  now(users: number): void {
    const areAny = users > 0
    if (areAny && !this.#wereAny) this.#log.warn({ users }, 'methods.insecure')
    this.#wereAny = areAny
  }
}
