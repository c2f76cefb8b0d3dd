import type { Caller } from '../../request.ts'
import type { Enter } from './settings.ts'

/** The turn of one request: it waits for it, then has it, and lets go of it once. */
export class Turn {
  readonly #abort = new AbortController()
  #slot: Disposable | undefined = undefined
  #isWaiting = true

  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** @returns whether it is its turn now; no: it has been let go of meanwhile. @throws what `enter` throws */
  async wait(enter: Enter, caller: Caller, bytes: number): Promise<boolean> {
    try {
      this.#slot = await enter(caller, bytes, this.#abort.signal)
    } finally {
      this.#isWaiting = false
    }
    if (!this.#abort.signal.aborted) return true
    this.#free()
    return false
  }

  /** @param why nobody waits for it any more, where it has not come */
  letGo(why: unknown): void {
    if (this.#isWaiting) this.#abort.abort(why)
    else this.#free()
  }

  #free(): void {
    const slot = this.#slot
    this.#slot = undefined
    slot?.[Symbol.dispose]()
  }
}
