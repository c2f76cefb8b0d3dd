/** Where people look at it. */
export interface Screen {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

const EVERY_MS = 250
const WIDTH = 24
const CLEAR = '\r\u{1b}[K'

/** One line on a terminal that says how far a response has come; nothing anywhere else. */
export class ProgressBar implements Disposable {
  readonly #screen: Screen
  readonly #timer: NodeJS.Timeout | undefined = undefined
  readonly #startedAt: number
  readonly #now: () => number
  #bytes = 0
  #total: number | undefined = undefined

  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen
    this.#now = now
    this.#startedAt = now()
    if (screen.isTTY === true) this.#timer = setInterval(() => this.show(), EVERY_MS).unref()
  }

  /** @param total bytes, where that is known */
  begin(total: number | undefined): void {
    this.#total = total
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** @internal */
  show(): void {
    const rate = (this.#bytes * 1000) / Math.max(1, this.#now() - this.#startedAt)
    const got = this.#bytes === 0 ? 'waiting' : `${round(this.#bytes)}, ${round(rate)}/s`
    this.#screen.write(`${CLEAR}${this.#bar()}${got}`)
  }

  [Symbol.dispose](): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#screen.write(CLEAR)
  }

  #bar(): string {
    if (!this.#total) return ''
    const part = Math.min(1, this.#bytes / this.#total)
    const full = Math.round(part * WIDTH)
    return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${Math.floor(part * 100)} % of ${round(this.#total)}, `
  }
}

const round = (bytes: number): string => `${(bytes / 1_000_000).toFixed(2)} MB`
