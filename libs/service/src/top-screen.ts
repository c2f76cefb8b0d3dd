import { emitKeypressEvents, type Key } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'

const OPEN = '\u001b[?1049h\u001b[?25l'
const CLOSE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[2K'
const [REVERSE, NORMAL] = ['\u001b[7m', '\u001b[0m']
/** Below the summary and the help stands the head of the table. */
const HEAD_LINE = 2

export interface TopScreenEvents {
  onKey(this: void, key: string): void
  onResize(this: void): void
  /** The terminal is gone, or somebody wants to leave. */
  onQuit(this: void): void
}

/** A terminal in full-screen mode, until it is disposed of: then it is as it was before. */
export class TopScreen implements Disposable {
  readonly #stdin: ReadStream
  readonly #stdout: WriteStream
  readonly #events: TopScreenEvents
  #isOpen = true

  constructor(stdin: ReadStream, stdout: WriteStream, events: TopScreenEvents) {
    this.#stdin = stdin
    this.#stdout = stdout
    this.#events = events
    // However the program ends, the shell behind it must be usable.
    process.on('exit', this.#close)
    stdout.on('resize', events.onResize)
    if (stdin.isTTY) {
      emitKeypressEvents(stdin)
      stdin.setRawMode(true)
      stdin.on('keypress', this.#keyed).on('end', events.onQuit).on('error', events.onQuit)
      stdin.resume()
    }
    stdout.write(OPEN)
  }

  get columns(): number {
    return this.#stdout.columns || 80
  }

  get rows(): number {
    return this.#stdout.rows || 24
  }

  /** Shows these lines, unless the terminal has not taken the last ones yet. */
  draw(lines: readonly string[]): void {
    if (this.#stdout.writableNeedDrain) return
    // Cleared before and not behind the text: at the last column that would take a letter with it.
    const text = Array.from({ length: this.rows }, (_, index) => {
      const line = lines[index] ?? ''
      return CLEAR_LINE + (index === HEAD_LINE ? REVERSE + line.padEnd(this.columns) + NORMAL : line)
    })
    this.#stdout.write(HOME + text.join('\r\n'))
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#close)
    this.#close()
    const { onResize, onQuit } = this.#events
    this.#stdout.off('resize', onResize)
    this.#stdin.off('keypress', this.#keyed).off('end', onQuit).off('error', onQuit)
    this.#stdin.pause()
  }

  readonly #close = (): void => {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (this.#stdin.isTTY) this.#stdin.setRawMode(false)
    this.#stdout.write(CLOSE)
  }

  readonly #keyed = (text: string | undefined, key: Key): void => {
    if (key.name === 'escape' || (key.ctrl && key.name === 'c') || text === 'q') this.#events.onQuit()
    else if (text !== undefined) this.#events.onKey(text)
  }
}
