import type { EventEmitter } from 'node:events'

/** What signals do to a program. */
export interface Signalled {
  stop(): Promise<void>
  /** Ends a stop that is under way. */
  hurry(): void
  reload(): void
  /** Nobody has caught this error. */
  crashed(error: unknown): void
}

const UNCAUGHT = ['uncaughtException', 'unhandledRejection']

/**
 * Listens to the system on a program's behalf: SIGTERM and SIGINT stop it, a second one hurries, SIGHUP reloads, and
 * an error that nobody caught stops it at once. Make it before the program opens anything, so that no signal is too
 * early.
 */
export class Signals implements Disposable {
  readonly #system: EventEmitter
  #program: Signalled | undefined = undefined
  #asked = false
  #failed = false
  #onAsked: () => void = () => {}

  constructor(system: EventEmitter = process) {
    this.#system = system
    system.on('SIGTERM', this.#stop).on('SIGINT', this.#stop).on('SIGHUP', this.#reload)
  }

  /** Waits for what ends `program`, which may have come already, and for its stop. @returns the exit code */
  async run(program: Signalled): Promise<0 | 1> {
    this.#program = program
    for (const name of UNCAUGHT) this.#system.on(name, this.#crash)
    if (!this.#asked) await new Promise<void>((resolve) => (this.#onAsked = resolve))
    await program.stop()
    return this.#failed ? 1 : 0
  }

  [Symbol.dispose](): void {
    this.#system.off('SIGTERM', this.#stop).off('SIGINT', this.#stop).off('SIGHUP', this.#reload)
    for (const name of UNCAUGHT) this.#system.off(name, this.#crash)
  }

  readonly #stop = (): void => {
    if (this.#asked) this.#program?.hurry()
    this.#asked = true
    this.#onAsked()
  }

  readonly #reload = (): void => this.#program?.reload()

  readonly #crash = (error: unknown): void => {
    this.#failed = true
    this.#program?.crashed(error)
    this.#stop()
    this.#program?.hurry()
  }
}
