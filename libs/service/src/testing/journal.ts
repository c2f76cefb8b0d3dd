import { createLog, type Log, type LogLevel, type LogSink } from '../log.ts'

/** One line of the log, parsed. */
export type Line = Readonly<Record<string, unknown>>

/** Everything a log has written. */
export class Journal implements LogSink {
  readonly raw: string[] = []
  readonly log: Log
  closed = false

  constructor(level: LogLevel = 'trace') {
    this.log = createLog({ level, sink: this })
  }

  write(line: string): void {
    this.raw.push(line)
  }

  async close(): Promise<void> {
    this.closed = true
  }

  /** Lines with this message. */
  lines(msg: string): Line[] {
    return this.raw.map((line) => JSON.parse(line) as Line).filter((line) => line['msg'] === msg)
  }
}
