import { close, constants, openSync, write, writeSync } from 'node:fs'
import { type AccessEntry, type AccessFormat, accessLine } from './access-entry.ts'
import { ConfigError } from './config-error.ts'
import type { Log } from './log.ts'
import { type LogFile, logFile, LogWriter } from './log-writer.ts'
import { Seldom } from './seldom.ts'

export interface AccessLogOptions {
  readonly path: string
  readonly format: AccessFormat
  readonly log: Pick<Log, 'warn'>
  /** Lines that could not be written: the disk is full, or what reads them is too slow. */
  readonly onLost: (lines: number) => void
}

/** A line for each thing that clients asked for, in a file of its own. Never blocks and, once open, never fails. */
export class AccessLog {
  readonly #options: AccessLogOptions
  readonly #file: NamedFile
  readonly #writer: LogWriter
  readonly #seldom = new Seldom(60_000)

  /** None where there is no path. @throws ConfigError as the constructor */
  static open(
    options: Omit<AccessLogOptions, 'path'> & { readonly path: string | undefined },
  ): AccessLog | undefined {
    const { path } = options
    return path === undefined ? undefined : new AccessLog({ ...options, path })
  }

  /** @throws ConfigError where the file cannot be opened */
  constructor(options: AccessLogOptions) {
    const { path, onLost } = options
    this.#options = options
    try {
      this.#file = new NamedFile(path)
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed'
      throw new ConfigError('CONFIG_INVALID', `--access-log: cannot open ${path} (${reason})`, { cause })
    }
    this.#writer = new LogWriter(this.#file, {
      droppedLine: (lines) => {
        onLost(lines)
        return ''
      },
      onError: (error) => this.#failed(error),
    })
  }

  write(entry: AccessEntry): void {
    this.#writer.write(accessLine(entry, this.#options.format))
  }

  /** Goes on in the file that has the name now, or in the old one where that cannot be opened. */
  reopen(): void {
    this.#writer.flush()
    try {
      this.#file.reopen()
    } catch (error) {
      this.#failed(error)
    }
  }

  async close(): Promise<void> {
    await this.#writer.close()
    this.#file.close()
  }

  #failed(err: unknown): void {
    const { path, log } = this.#options
    if (this.#seldom.due('failed')) log.warn({ path, err }, 'access-log.failed')
  }
}

/** O_NONBLOCK is for pipes: one that nobody reads must not hold up the program. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK

/** A file that may be renamed and made anew. One write at a time, as a LogWriter does it. */
class NamedFile implements LogFile {
  readonly #path: string
  #fd: number
  #writing = false
  /** Renamed away, while a write to it was under way. */
  #old: number[] = []

  /** @throws the system's error */
  constructor(path: string) {
    this.#path = path
    this.#fd = openSync(path, FLAGS, 0o640)
  }

  write(bytes: Uint8Array, done: Parameters<LogFile['write']>[1]): void {
    this.#writing = true
    write(this.#fd, bytes, (error, size) => {
      this.#writing = false
      for (const fd of this.#old.splice(0)) close(fd, ignore)
      done(error, size)
    })
  }

  writeSync(bytes: Uint8Array): number {
    return writeSync(this.#fd, bytes)
  }

  pause(ms: number): void {
    logFile(this.#fd).pause(ms)
  }

  reopen(): void {
    const fd = openSync(this.#path, FLAGS, 0o640)
    if (this.#writing) this.#old.push(this.#fd)
    else close(this.#fd, ignore)
    this.#fd = fd
  }

  close(): void {
    close(this.#fd, ignore)
  }
}

const ignore = (): void => {}
