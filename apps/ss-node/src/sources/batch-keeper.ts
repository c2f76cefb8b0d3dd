import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SourceError } from './source-error.ts'
import type { UsageBatch } from './usage-batch.ts'
import { isRecord } from './userconfigs.ts'

const MAX_BYTES = 4 * 1024 * 1024

/**
 * Keeps the batch that is being posted in a file, so that it outlives the program: whether the panel has applied it is
 * not known before its answer is, and only the very same batch can be known again.
 */
export class BatchKeeper {
  readonly #path: string
  readonly #about: string

  /**
   * @param about what a batch is of and for, such as the panel and the store: kept batches of anything else are nobody's
   */
  constructor(path: string, ...about: readonly string[]) {
    this.#path = path
    this.#about = createHash('sha256').update(JSON.stringify(about)).digest('hex')
  }

  /** The batch that was kept last and not let go of, if it is whole. */
  async kept(): Promise<UsageBatch | undefined> {
    try {
      if ((await stat(this.#path)).size > MAX_BYTES) return undefined
      const read = JSON.parse(await readFile(this.#path, 'utf8')) as unknown
      return isRecord(read) && read['about'] === this.#about ? batchIn(read['batch']) : undefined
    } catch {
      return undefined
    }
  }

  /** @throws SourceError BATCH_UNKEPT */
  async keep(batch: UsageBatch): Promise<void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
      const draft = `${this.#path}.tmp`
      await writeFile(draft, JSON.stringify({ about: this.#about, batch }), { mode: 0o600, flush: true })
      await rename(draft, this.#path)
    } catch (error) {
      const errno = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
      throw new SourceError('BATCH_UNKEPT', `cannot write ${this.#path} (${errno})`)
    }
  }

  /** @throws SourceError BATCH_UNKEPT */
  async letGo(): Promise<void> {
    try {
      await rm(this.#path, { force: true })
    } catch {
      throw new SourceError('BATCH_UNKEPT', `cannot remove ${this.#path}`)
    }
  }
}

const batchIn = (value: unknown): UsageBatch | undefined => {
  if (!isRecord(value)) return undefined
  const { key, entries, body } = value
  const isWhole = typeof key === 'string' && typeof body === 'string' && Array.isArray(entries)
  return isWhole && entries.every(isEntry) ? { key, entries, body } : undefined
}

const isEntry = (value: unknown): value is UsageBatch['entries'][number] =>
  isRecord(value) &&
  typeof value['userId'] === 'string' &&
  Number.isSafeInteger(value['up']) &&
  Number.isSafeInteger(value['down'])
