import { write, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** The system calls, so that tests can fail them. */
export interface LogFile {
  /** As fs.write: `done` gets an error or the number of bytes that were taken. */
  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, size: number) => void): void
  /** As fs.writeSync. */
  writeSync(bytes: Uint8Array): number
  /** Blocks. */
  pause(ms: number): void
}

/** An open file descriptor: 1 is stdout. */
export const logFile = (fd: number): LogFile => ({
  write: (bytes, done) => write(fd, bytes, done),
  writeSync: (bytes) => writeSync(fd, bytes),
  pause: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
})

export interface LogWriterOptions {
  /** Most that may wait. @default 4 MiB */
  readonly maxBytes?: number
  /** The line that tells of lines that were dropped. */
  readonly droppedLine?: (lines: number) => string
  /** A block was lost, and the next one is tried. Without this, a reader that is gone ends the writing. */
  readonly onError?: (error: Error) => void
}

const BLOCK_BYTES = 64 * 1024
/** Room for a block and the line that fills it. */
const ROOM_BYTES = BLOCK_BYTES + 16 * 1024
/** A UTF-16 code unit takes no more in UTF-8. */
const MAX_BYTES_PER_CHAR = 3
const DELAY_MS = 250
const RETRY_MS = 20
const EXIT_RETRIES = 25
const LINE_BREAK = 0x0a
const GONE = new Set(['EPIPE', 'EBADF'])

/**
 * Writes lines in blocks and outside the event loop, so that a line a session costs no system call of its own and a
 * reader of our stdout that sleeps stops the lines, not the sessions: beyond `maxBytes` lines are dropped and
 * counted. A reader that is gone ends the writing, never the program.
 */
export class LogWriter {
  readonly #file: LogFile
  readonly #maxBytes: number
  readonly #droppedLine: (lines: number) => string
  readonly #onError: ((error: Error) => void) | undefined
  #block: Buffer = Buffer.allocUnsafeSlow(ROOM_BYTES)
  #size = 0
  /** The block that was written last, for the next one. */
  #spare: Buffer | undefined = undefined
  #dropped = 0
  #busy = false
  #urgent = false
  #broken = false
  #timer: NodeJS.Timeout | undefined
  readonly #onExit = (): void => this.#lastWords()

  constructor(file: LogFile, options: LogWriterOptions = {}) {
    const { maxBytes = 4 * 1024 * 1024 } = options
    this.#file = file
    this.#maxBytes = maxBytes
    this.#droppedLine = options.droppedLine ?? droppedLine
    this.#onError = options.onError
    process.on('exit', this.#onExit)
  }

  /** Takes a line with its line break; it goes out with its block, after 250 ms at most. */
  write(line: string): void {
    if (this.#broken) return
    if (this.#size + line.length > this.#maxBytes) {
      this.#dropped += 1
      return
    }
    this.#put(line)
    if (this.#size >= BLOCK_BYTES) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), DELAY_MS).unref()
  }

  /** Sends what waits on its way now, or right after the block that is being written. */
  flush(): void {
    if (this.#busy) this.#urgent = true
    else if (this.#size > 0) this.#send(this.#take())
  }

  /** Resolves when every line is written, or half a second later if the reader does not take them. */
  async close(): Promise<void> {
    this.flush()
    for (let tries = 0; this.#busy && tries < 250; tries += 1) await sleep(2)
    process.off('exit', this.#onExit)
  }

  #put(line: string): void {
    const wanted = this.#size + line.length * MAX_BYTES_PER_CHAR
    if (wanted > this.#block.length) this.#grow(wanted)
    this.#size += this.#block.write(line, this.#size)
  }

  #grow(wanted: number): void {
    const block = Buffer.allocUnsafeSlow(Math.max(wanted, this.#block.length * 2))
    this.#block.copy(block, 0, 0, this.#size)
    this.#block = block
  }

  #take(): Uint8Array {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#dropped > 0) this.#put(this.#droppedLine(this.#dropped))
    const block = this.#block
    const taken = block.subarray(0, this.#size)
    this.#block = this.#spare ?? Buffer.allocUnsafeSlow(ROOM_BYTES)
    this.#spare = block.length === ROOM_BYTES ? block : undefined
    this.#size = 0
    this.#dropped = 0
    return taken
  }

  #send(block: Uint8Array): void {
    this.#busy = true
    this.#file.write(block, (error, size) => {
      if (error && error.code !== 'EAGAIN') this.#onError?.(error)
      if (error?.code === 'EAGAIN') setTimeout(() => this.#send(block), RETRY_MS)
      else if (error && (this.#onError || !GONE.has(error.code ?? ''))) this.#lose(block)
      else if (error) this.#break()
      else if (size < block.length) this.#send(block.subarray(size))
      else this.#sent()
    })
  }

  #sent(): void {
    this.#busy = false
    if (this.#urgent || this.#size >= BLOCK_BYTES) {
      this.#urgent = false
      this.flush()
    }
  }

  /** A full disk may have room again later. */
  #lose(block: Uint8Array): void {
    for (const byte of block) if (byte === LINE_BREAK) this.#dropped += 1
    this.#sent()
  }

  #break(): void {
    this.#broken = true
    this.#busy = false
    this.#take()
  }

  /** On exit nothing asynchronous runs any more. A full pipe gets half a second, then the lines are lost. */
  #lastWords(): void {
    if (this.#broken || this.#size === 0) return
    let block = this.#take()
    for (let tries = 0; block.length > 0 && tries < EXIT_RETRIES; tries += 1) {
      try {
        block = block.subarray(this.#file.writeSync(block))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return
        this.#file.pause(RETRY_MS)
      }
    }
  }
}

const droppedLine = (lines: number): string =>
  `${JSON.stringify({ level: 'warn', time: Date.now(), lines, msg: 'log.dropped' })}\n`
