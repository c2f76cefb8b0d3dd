/** One line of a program's log, as far as it is looked at. */
export interface LogLine {
  readonly msg?: string
  readonly level?: string
  readonly door?: string
  readonly port?: number
  readonly code?: string
  /** The client of a session, `host:port`. */
  readonly client?: string
  /** Of `remains`: timers that are set, and bytes in use. */
  readonly timers?: number
  readonly bytes?: number
}

/** A line that should not be. */
export interface LogFault {
  readonly what: string
  readonly line: LogLine
}

const FAULTS_KEPT = 8
/** Pieces of a secret that are looked for: a mutated one is no longer whole. */
const PIECE = 10
const FAULT_LEVELS = new Set(['error', 'fatal'])

/** Reads the log of a program as it comes: counts outcomes, and keeps what should not be there. */
export class LogWatch {
  /** Sessions by their outcome. */
  readonly codes: Map<string, number> = new Map()
  readonly messages: Map<string, number> = new Map()
  readonly faults: LogFault[] = []
  readonly #pieces: string[]

  /** @param secrets what must not show up, each at least 10 characters; their base64 must not either */
  constructor(secrets: readonly string[]) {
    const spellings = secrets.flatMap((secret) => [secret, ...base64Of(secret)])
    this.#pieces = [...new Set(spellings.flatMap(pieces))]
  }

  /** @returns the line, where it is JSON */
  read(text: string): LogLine | undefined {
    const line = parse(text)
    const what = this.#faultOf(text, line)
    if (what !== undefined && this.faults.length < FAULTS_KEPT) this.faults.push({ what, line: line ?? {} })
    if (line?.msg !== undefined) bump(this.messages, line.msg)
    if (line?.code !== undefined) bump(this.codes, line.code)
    return line
  }

  #faultOf(text: string, line: LogLine | undefined): string | undefined {
    const secret = this.#pieces.find((piece) => text.includes(piece))
    if (secret !== undefined) return `a secret is in the log: …${secret}… in ${text}`
    if (line === undefined) return `no JSON in the log: ${text}`
    if (line.msg === 'log.dropped') return `lines of the log are missing: ${text}`
    return FAULT_LEVELS.has(line.level ?? '') || line.code === 'INTERNAL' ? text : undefined
  }
}

function parse(text: string): LogLine | undefined {
  try {
    const line: unknown = JSON.parse(text)
    return typeof line === 'object' && line !== null ? line : undefined
  } catch {
    return undefined
  }
}

/** Its base64 at each place in a group of three; the ends, which hold bits of what stands beside it, are left out. */
function base64Of(secret: string): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]).toString('base64')
    return text.slice(before === 0 ? 0 : 4, -4)
  })
}

function pieces(text: string): string[] {
  const starts = Array.from({ length: Math.max(0, text.length - PIECE + 1) }, (_, at) => at)
  return starts.map((at) => text.slice(at, at + PIECE))
}

function bump(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
