import { Stoppable } from './stoppable.ts'

/**
 * What goes through phases that may wait, and has to end when it is told to: that becomes the error of the phase that it is
 * in, or, where it comes between two, of the next.
 */
export class Endable extends Stoppable {
  /** Why it has to end, once it has to. */
  protected over: Error | undefined = undefined
  #stopPhase: ((error: Error) => void) | undefined = undefined
  #waiting: AbortController | undefined = undefined

  /** @param stop ends what the present phase waits for, beside `until` */
  protected stopBy(stop: ((error: Error) => void) | undefined): void {
    this.#stopPhase = stop
  }

  protected end(error: Error): void {
    if (this.over !== undefined) return
    this.over = error
    this.giveUp(() => error)
    this.#stopPhase?.(error)
  }

  /** Between two phases nobody waits whom `stopBy` could tell. @throws what it has to end with */
  protected goOn(): void {
    if (this.over !== undefined) throw this.over
  }

  /** @param wait should hear its signal; one at a time @throws what `wait` throws, or what it has to end with */
  protected async until<T>(wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.goOn()
    const abort = (this.#waiting = new AbortController())
    try {
      return await wait(abort.signal)
    } catch (error) {
      throw this.over ?? error
    } finally {
      this.#waiting = undefined
    }
  }

  /** Nobody needs what `until` waits for any more. */
  protected giveUp(why: () => Error): void {
    this.#waiting?.abort(why())
  }
}
