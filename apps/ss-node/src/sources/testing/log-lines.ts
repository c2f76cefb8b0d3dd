import { createLog, type Log } from '@sluice/service'

export type Line = Readonly<Record<string, unknown>>

/** A log, and what was written to it. */
export class LogLines {
  readonly raw: string[] = []
  readonly log: Log = createLog({ level: 'trace', sink: { write: (line) => void this.raw.push(line) } })

  /** Fields of the lines with this message, without time and level. */
  of(msg: string): Line[] {
    return this.raw
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['msg'] === msg)
      .map(({ msg: _msg, time: _time, level: _level, ...fields }) => fields)
  }

  /** Messages in order. */
  get messages(): unknown[] {
    return this.raw.map((line) => (JSON.parse(line) as Line)['msg'])
  }
}
