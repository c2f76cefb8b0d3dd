import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { FileWatch, lookOf } from '@sluice/service'
import type { OwnerFeed } from './owner-feed.ts'
import { SourceError } from './source-error.ts'
import type { SourceStatus } from './source-status.ts'
import { MAX_LIST_BYTES, readUserconfigs } from './userconfigs.ts'
import { readRows } from './user-list.ts'

export interface JsonSourceOptions {
  readonly path: string
  readonly feed: OwnerFeed
  readonly status: SourceStatus
  /** The file is read this often besides whenever it changes, ms. */
  readonly syncMs: number
  /** The file need not be there: called at the start where it is not. Undefined: that is a failure. */
  readonly onMissing?: () => void
}

/** Users out of a file of the form of `userconfigs.json`. */
export class JsonSource {
  readonly #options: JsonSourceOptions
  #watch: FileWatch | undefined = undefined
  #timer: NodeJS.Timeout | undefined = undefined
  #last: Promise<void> = Promise.resolve()
  #closed = false
  #wasThere = false
  #wasMissed = false

  constructor(options: JsonSourceOptions) {
    this.#options = options
  }

  /** Reads it for the first time, and follows it from then on. Never rejects. */
  async start(): Promise<void> {
    const { path, syncMs } = this.#options
    const seen = await lookOf(path)
    await this.read()
    this.#watch = new FileWatch(path, { seen, onChange: () => void this.read() })
    this.#timer = setInterval(() => void this.read(), syncMs).unref()
  }

  /** Reads the file now; one reading after the other. Never rejects. */
  read(): Promise<void> {
    this.#last = this.#last.then(() => (this.#closed ? undefined : this.#read()))
    return this.#last
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watch?.[Symbol.dispose]()
    clearInterval(this.#timer)
    await this.#last
  }

  async #read(): Promise<void> {
    const { path, feed, status } = this.#options
    try {
      const bytes = await readBounded(path)
      this.#wasThere = true
      await feed.take(bytes, (list) => readRows(readUserconfigs(list)))
      status.ok()
    } catch (error) {
      if (this.#mayMiss(error)) this.#missed()
      else status.failed(error, { file: path })
    }
  }

  #mayMiss(error: unknown): boolean {
    const isMissing = error instanceof SourceError && error.code === 'USERS_MISSING'
    return isMissing && !this.#wasThere && this.#options.onMissing !== undefined
  }

  #missed(): void {
    if (!this.#wasMissed) this.#options.onMissing?.()
    this.#wasMissed = true
  }
}

/** @throws SourceError */
const readBounded = async (path: string): Promise<Uint8Array> => {
  try {
    // A pipe or a device would hold us up or never end.
    if (!(await stat(path)).isFile()) throw new SourceError('USERS_UNREADABLE', 'not a file')
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of createReadStream(path, { end: MAX_LIST_BYTES })) {
      chunks.push(chunk as Buffer)
      length += (chunk as Buffer).length
    }
    if (length > MAX_LIST_BYTES) throw new SourceError('USERS_TOO_LONG', `over ${MAX_LIST_BYTES} bytes`)
    return Buffer.concat(chunks)
  } catch (error) {
    throw error instanceof SourceError ? error : unreadable(error)
  }
}

const unreadable = (error: unknown): SourceError => {
  const errno = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
  return errno === 'ENOENT'
    ? new SourceError('USERS_MISSING', 'no such file')
    : new SourceError('USERS_UNREADABLE', `cannot be read (${errno})`)
}
