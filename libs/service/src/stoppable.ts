/** What may have to end: one listener at a time is told why, once; where nobody listens then, the next who does is. */
export class Stoppable {
  #listener: ((error: Error) => void) | undefined = undefined
  #untold: Error | undefined = undefined

  get onStop(): ((error: Error) => void) | undefined {
    return this.#listener
  }

  set onStop(listener: ((error: Error) => void) | undefined) {
    this.#listener = listener
    const error = this.#untold
    if (listener === undefined || error === undefined) return
    this.#untold = undefined
    listener(error)
  }

  protected tellStop(error: Error): void {
    if (this.#listener === undefined) this.#untold = error
    else this.#listener(error)
  }
}
