import { stat } from 'node:fs/promises'

const EVERY_MS = 1000

export interface FileWatchOptions {
  /** What the file looked like when it was last read, see `lookOf`. */
  readonly seen: string
  /** The file is another one now, and stays as it is. */
  readonly onChange: () => void
  /** @default that of node:fs, which follows symbolic links */
  readonly look?: () => Promise<string>
}

/**
 * Looks at a file once a second, by its name, so that it does not matter whether it is written, renamed over, or reached
 * through links that are swapped; notifications of the system are lost with the file that they are about. A change is
 * told once two looks agree: an editor that empties a file before it writes it must not be caught in between.
 */
export class FileWatch implements Disposable {
  readonly #options: FileWatchOptions
  readonly #look: () => Promise<string>
  readonly #timer: NodeJS.Timeout
  #seen: string
  #latest: string
  #looking = false

  constructor(path: string, options: FileWatchOptions) {
    this.#options = options
    this.#look = options.look ?? ((): Promise<string> => lookOf(path))
    this.#seen = this.#latest = options.seen
    this.#timer = setInterval(() => void this.tick(), EVERY_MS).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  /** What happens once a second. */
  async tick(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    const now = await this.#look()
    this.#looking = false
    const isSettled = now === this.#latest
    this.#latest = now
    if (!isSettled || now === this.#seen) return
    this.#seen = now
    this.#options.onChange()
  }
}

/** Everything about a file that changes with it, or why it cannot be had. */
export const lookOf = async (path: string): Promise<string> => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return String(error)
  }
}
