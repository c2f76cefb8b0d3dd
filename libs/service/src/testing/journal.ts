import { createLog, type Log, type LogLevel, type LogSink } from '../log.ts'

/** One line of the log, parsed. */
export type Line = Readonly<Record<string, unknown>>

/** Everything a log has written. */
export class Journal implements LogSink {
  readonly raw: string[] = []
  readonly log: Log
  closed = false
  readonly #waiting = new Map<string, (line: Line) => void>()

  constructor(level: LogLevel = 'trace') {
    this.log = createLog({ level, sink: this })
  }

  write(line: string): void {
    this.raw.push(line)
    const parsed = JSON.parse(line) as Line
    this.#waiting.get(String(parsed['msg']))?.(parsed)
  }

  /** The next line with this message. */
  next(msg: string): Promise<Line> {
    return new Promise((resolve) => this.#waiting.set(msg, resolve))
  }

  async close(): Promise<void> {
    this.closed = true
  }

  /** Lines with this message. */
  lines(msg: string): Line[] {
    return this.raw.map((line) => JSON.parse(line) as Line).filter((line) => line['msg'] === msg)
  }
}
