import type { ForwardTarget } from './forward-target.ts'

const MAX_IDLE = 8

/** Conns to targets that one client may use again, and nobody else: so users never meet on one. */
export class IdleTargets {
  readonly #idle: ForwardTarget[] = []

  /**
   * The one that was used last, so that the others may time out.
   * @param key what it was asked for: another key is for another target
   * @param since none that has been idle since before then; ms
   */
  take(key: string, since: number): ForwardTarget | undefined {
    const at = this.#idle.findLastIndex((target) => target.key === key && target.idleSince >= since)
    return at < 0 ? undefined : this.#idle.splice(at, 1)[0]
  }

  put(target: ForwardTarget): void {
    this.#idle.push(target)
    if (this.#idle.length > MAX_IDLE) this.#idle.shift()?.drop()
  }

  /** It has closed, or sent what nobody asked for. */
  remove(target: ForwardTarget): void {
    const at = this.#idle.indexOf(target)
    if (at >= 0) this.#idle.splice(at, 1)
    target.drop()
  }

  close(): void {
    for (const target of this.#idle.splice(0)) target.drop()
  }
}
