import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LogWriter, logFile } from './log-writer.ts'
import type { LogFile } from './log-writer.ts'

type Done = Parameters<LogFile['write']>[1]

/** A file whose writes wait until they are answered. */
class SlowFile implements LogFile {
  readonly asked: { text: string; done: Done }[] = []
  readonly sync: string[] = []
  paused = 0
  syncError: Error | undefined

  write(bytes: Uint8Array, done: Done): void {
    this.asked.push({ text: text(bytes), done })
  }

  writeSync(bytes: Uint8Array): number {
    if (this.syncError) throw this.syncError
    this.sync.push(text(bytes))
    return bytes.length
  }

  pause(ms: number): void {
    this.paused += ms
  }

  answer(error: NodeJS.ErrnoException | null = null, size?: number): string {
    const next = this.asked.shift()
    if (!next) throw new Error('nothing was written')
    next.done(error, size ?? Buffer.byteLength(next.text))
    return next.text
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const errno = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

/** The writer, and the exit listener that it added. */
function exitOf(make: () => LogWriter): { writer: LogWriter; exit: NodeJS.ExitListener } {
  const before = new Set(process.listeners('exit'))
  const writer = make()
  const exit = process.listeners('exit').find((listener) => !before.has(listener))
  if (!exit) throw new Error('no exit listener')
  return { writer, exit }
}

describe('LogWriter', () => {
  let file: SlowFile
  let writer: LogWriter
  let exit: NodeJS.ExitListener

  beforeEach(() => {
    vi.useFakeTimers()
    file = new SlowFile()
    ;({ writer, exit } = exitOf(() => new LogWriter(file, { maxBytes: 100_000 })))
  })

  afterEach(() => {
    vi.useRealTimers()
    process.off('exit', exit)
  })

  it('gathers lines for at most 250 ms', () => {
    writer.write('one\n')
    vi.advanceTimersByTime(200)
    writer.write('two\n')
    vi.advanceTimersByTime(49)
    expect(file.asked).toEqual([])
    vi.advanceTimersByTime(1)
    expect(file.answer()).toBe('one\ntwo\n')
    vi.advanceTimersByTime(10_000)
    expect(file.asked).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sends a full block without waiting', () => {
    const line = `${'x'.repeat(1023)}\n`
    for (let i = 0; i < 63; i += 1) writer.write(line)
    expect(file.asked).toEqual([])
    writer.write(line)
    expect(file.answer()).toBe(line.repeat(64))
  })

  it('keeps the order: one write at a time, a flush meanwhile follows at once', () => {
    writer.write('one\n')
    writer.flush()
    writer.write('two\n')
    writer.flush()
    writer.write('three\n')
    expect(file.asked).toHaveLength(1)
    expect(file.answer()).toBe('one\n')
    expect(file.answer()).toBe('two\nthree\n')
  })

  it('leaves a block alone until it is written', () => {
    const blocks: Uint8Array[] = []
    let done: Done = () => {}
    file.write = (bytes, answered) => void (blocks.push(bytes), (done = answered))
    for (const line of ['one\n', 'two\n', `${'é'.repeat(40_000)}\n`, 'four\n']) {
      writer.write(line)
      writer.flush()
    }
    expect(text(blocks[0]!)).toBe('one\n')
    done(null, 4)
    expect(text(blocks[1]!)).toBe(`two\n${'é'.repeat(40_000)}\nfour\n`)
    done(null, blocks[1]!.length)
    writer.write('five\n')
    writer.flush()
    expect(text(blocks[2]!)).toBe('five\n')
  })

  it('writes the rest after a short write, and again after EAGAIN', () => {
    writer.write('päivää\n')
    writer.flush()
    file.answer(null, 3)
    file.answer(errno('EAGAIN'))
    expect(file.asked).toEqual([])
    vi.advanceTimersByTime(20)
    expect(file.answer()).toBe('ivää\n')
  })

  it('drops lines beyond its bound, and says how many', () => {
    writer.write('first\n')
    writer.flush()
    const line = `${'x'.repeat(9_999)}\n`
    for (let i = 0; i < 13; i += 1) writer.write(line)
    file.answer()
    const block = file.answer().split('\n')
    expect(block).toHaveLength(12)
    expect(JSON.parse(block[10] ?? '')).toMatchObject({ level: 'warn', lines: 3, msg: 'log.dropped' })
  })

  it('goes on after a full disk, and says how many lines that cost', () => {
    writer.write('one\n')
    writer.write('two\n')
    writer.flush()
    file.answer(errno('ENOSPC'))
    writer.write('three\n')
    writer.flush()
    const [third, dropped] = file.answer().split('\n')
    expect(third).toBe('three')
    expect(JSON.parse(dropped ?? '')).toMatchObject({ lines: 2, msg: 'log.dropped' })
  })

  it('stops when the reader is gone, without an error', () => {
    writer.write('one\n')
    writer.flush()
    writer.write('two\n')
    file.answer(errno('EPIPE'))
    writer.write('three\n')
    writer.flush()
    exit(0)
    expect(file.asked).toEqual([])
    expect(file.sync).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('writes what waits when the process exits', () => {
    writer.write('last\n')
    exit(0)
    exit(0)
    expect(file.sync).toEqual(['last\n'])
  })

  it.each(['EPIPE', 'EAGAIN'])('does not hang at exit on %s', (code) => {
    file.syncError = errno(code)
    writer.write('last\n')
    exit(0)
    expect(file.sync).toEqual([])
    expect(file.paused).toBe(code === 'EAGAIN' ? 500 : 0)
  })
})

describe('LogWriter on a file', () => {
  it('has written everything when close() resolves', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'log-'))
    const path = join(folder, 'out.jsonl')
    const fd = openSync(path, 'w')
    const writer = new LogWriter(logFile(fd))
    const lines = Array.from({ length: 5_000 }, (_, i) => `{"line":${i},"pad":"${'x'.repeat(i % 50)}"}\n`)
    for (const line of lines) writer.write(line)
    await writer.close()
    closeSync(fd)
    expect(readFileSync(path, 'utf8')).toBe(lines.join(''))
    rmSync(folder, { recursive: true })
  })
})
