import { pino, symbols } from 'pino'
import type { Logger } from 'pino'
import { LogWriter, logFile } from './log-writer.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** JSON lines: `{"level":"info","time":<ms since 1970>,…fields,"msg":"session.end"}`, an error under `err`. */
export interface Log extends Logger {
  /** Writes a line at every level and at once: what scripts wait for (`listening`, `ready`). `msg` comes first. */
  announce(msg: string, fields?: Readonly<Record<string, unknown>>): void
  /** Resolves when every line is written. */
  close(): Promise<void>
}

/** Where lines go, each with its line break. */
export interface LogSink {
  write(line: string): void
  flush?(): void
  close?(): Promise<void>
}

// Named one by one: a wildcard would double the cost of every line.
const SECRET_PATHS =
  'password secret token vkey hash cookie authorization ["proxy-authorization"] credential credentials'
    .split(' ')
    .concat('headers.authorization', 'headers["proxy-authorization"]', 'user.credentials')
const WARN = 40

/** A log on stdout, or in `sink`. Lines wait up to 250 ms for their block; warnings and errors do not wait. */
export function createLog({
  level,
  sink = new LogWriter(logFile(1)),
}: {
  level: LogLevel
  sink?: LogSink
}): Log {
  const stream = {
    [symbols.needsMetadataGsym]: true,
    lastLevel: 0,
    write(line: string): void {
      sink.write(line)
      if (stream.lastLevel >= WARN) sink.flush?.()
    },
  }
  const log = pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => errorFields(error) },
      redact: { paths: SECRET_PATHS, censor: '***' },
    },
    stream,
  )
  return Object.assign(log, {
    announce(msg: string, fields: Readonly<Record<string, unknown>> = {}): void {
      sink.write(`${JSON.stringify({ msg, ...fields, level: 'info', time: Date.now() })}\n`)
      sink.flush?.()
    },
    close: async (): Promise<void> => sink.close?.(),
  })
}

/** Name, code, message and stack of an error and its causes: its other properties may hold what is secret. */
function errorFields(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return String(error)
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  return {
    name,
    code,
    message,
    stack,
    ...(cause !== undefined && depth < 5 && { cause: errorFields(cause, depth + 1) }),
  }
}
