import type { Traffic } from './circuit-session.ts'

const EVERY_MS = 1000

/** Where people look at it. */
export interface Screen {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

/** One line on a terminal that says how much passes; nothing anywhere else. */
export class ProgressLine implements Disposable {
  readonly #screen: Screen
  readonly #traffic: Traffic
  readonly #timer: NodeJS.Timeout | undefined = undefined
  #seen = { up: 0, down: 0 }

  constructor(screen: Screen, traffic: Traffic) {
    this.#screen = screen
    this.#traffic = traffic
    if (screen.isTTY === true) this.#timer = setInterval(() => this.show(EVERY_MS), EVERY_MS).unref()
  }

  /** @internal @param ms since it was shown last */
  show(ms: number): void {
    const { open, up, down } = this.#traffic
    const rate = (bytes: number): string => `${(bytes / ms / 1000).toFixed(2)} MB/s`
    const line = `${open} ${open === 1 ? 'circuit' : 'circuits'}, up ${rate(up - this.#seen.up)}, down ${rate(down - this.#seen.down)}`
    this.#seen = { up, down }
    this.#screen.write(`\r\u{1b}[K${line}`)
  }

  [Symbol.dispose](): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#screen.write('\r\u{1b}[K')
  }
}
