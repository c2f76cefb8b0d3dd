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

const BLOCK_CHARS = 16 * 1024
const DELAY_MS = 250
const RETRY_MS = 20
const EXIT_RETRIES = 25
const LINE_BREAK = 0x0a

/**
 * Writes lines in blocks and outside the event loop, so that a line a session costs no system call of its own and a
 * reader of our stdout that sleeps stops the lines, not the sessions: beyond `maxChars` lines are dropped and
 * counted. A reader that is gone ends the writing, never the program.
 */
export class LogWriter {
  readonly #file: LogFile
  readonly #maxChars: number
  #lines: string[] = []
  #chars = 0
  #dropped = 0
  #busy = false
  #urgent = false
  #broken = false
  #timer: NodeJS.Timeout | undefined
  readonly #onExit = (): void => this.#lastWords()

  constructor(file: LogFile, { maxChars = 4 * 1024 * 1024 }: { maxChars?: number } = {}) {
    this.#file = file
    this.#maxChars = maxChars
    process.on('exit', this.#onExit)
  }

  /** Takes a line with its line break; it goes out with its block, after 250 ms at most. */
  write(line: string): void {
    if (this.#broken) return
    if (this.#chars + line.length > this.#maxChars) {
      this.#dropped += 1
      return
    }
    this.#lines.push(line)
    this.#chars += line.length
    if (this.#chars >= BLOCK_CHARS) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), DELAY_MS).unref()
  }

  /** Sends what waits on its way now, or right after the block that is being written. */
  flush(): void {
    if (this.#busy) this.#urgent = true
    else if (this.#chars > 0) this.#send(this.#take())
  }

  /** Resolves when every line is written, or half a second later if the reader does not take them. */
  async close(): Promise<void> {
    this.flush()
    for (let tries = 0; this.#busy && tries < 250; tries += 1) await sleep(2)
    process.off('exit', this.#onExit)
  }

  #take(): Uint8Array {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#dropped > 0) this.#lines.push(droppedLine(this.#dropped))
    const block = Buffer.from(this.#lines.join(''))
    this.#lines = []
    this.#chars = 0
    this.#dropped = 0
    return block
  }

  #send(block: Uint8Array): void {
    this.#busy = true
    this.#file.write(block, (error, size) => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.#send(block), RETRY_MS)
      else if (error?.code === 'EPIPE' || error?.code === 'EBADF') this.#break()
      else if (error) this.#lose(block)
      else if (size < block.length) this.#send(block.subarray(size))
      else this.#sent()
    })
  }

  #sent(): void {
    this.#busy = false
    if (this.#urgent || this.#chars >= BLOCK_CHARS) {
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
    if (this.#broken || this.#chars === 0) return
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
