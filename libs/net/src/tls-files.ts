import { readFile, stat } from 'node:fs/promises'
import { createTlsContext, type TlsContext, type TlsCredentials } from './tls-context.ts'

/** Where the PEM files are; see `TlsCredentials`. */
export interface TlsPaths {
  readonly cert: string
  readonly key: string
  readonly clientCa?: string | undefined
  /** As in `TlsCredentials`. */
  readonly asksClientCert?: boolean | undefined
}

export interface TlsFilesOptions {
  readonly paths: TlsPaths
  /** Conns from now on use what is in the files now. */
  readonly onChange?: () => void
  /** The files have changed to something that cannot be used; what there was stays. Told once for each change. */
  readonly onError?: (error: Error) => void
}

const MAX_FILE_BYTES = 1024 * 1024

/** Credentials in files, which may be replaced while conns come in. */
export class TlsFiles {
  readonly #options: TlsFilesOptions
  #loaded: Loaded
  /** What the files looked like when they were last read. */
  #seen: string
  #busy = false

  /** @throws RangeError that says which file is wrong and how */
  static async open(options: TlsFilesOptions): Promise<TlsFiles> {
    const seen = await looks(options.paths)
    return new TlsFiles(options, await load(options.paths), seen)
  }

  private constructor(options: TlsFilesOptions, loaded: Loaded, seen: string) {
    this.#options = options
    this.#loaded = loaded
    this.#seen = seen
  }

  get context(): TlsContext {
    return this.#loaded.context
  }

  /** The same for servers that make a context of their own. */
  get credentials(): TlsCredentials {
    return this.#loaded.credentials
  }

  /** Reads the files again where they have changed; to be called every few seconds. Never rejects. */
  async poll(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    const now = await looks(this.#options.paths)
    try {
      if (now !== this.#seen) (await this.prepare())()
    } catch (error) {
      this.#seen = now
      this.#options.onError?.(error as Error)
    }
    this.#busy = false
  }

  /**
   * Reads the files again.
   * @returns what takes over what was in them
   * @throws RangeError as `open`
   */
  async prepare(): Promise<() => void> {
    const { paths, onChange } = this.#options
    // Before they are read: a change in between is then seen the next time.
    const seen = await looks(paths)
    const loaded = await load(paths)
    return () => {
      this.#seen = seen
      this.#loaded = loaded
      onChange?.()
    }
  }
}

interface Loaded {
  readonly context: TlsContext
  readonly credentials: TlsCredentials
}

const load = async ({ cert, key, clientCa, asksClientCert }: TlsPaths): Promise<Loaded> => {
  const credentials = {
    cert: await text(cert),
    key: await text(key),
    clientCa: clientCa === undefined ? undefined : await text(clientCa),
    asksClientCert,
  }
  try {
    return { context: createTlsContext(credentials), credentials }
  } catch (cause) {
    const files = [cert, key, clientCa].filter((path) => path !== undefined).join(', ')
    throw new RangeError(`${files}: ${(cause as Error).message}`, { cause })
  }
}

const text = async (path: string): Promise<string> => {
  try {
    const { size } = await stat(path)
    if (size > MAX_FILE_BYTES) throw new RangeError('larger than 1 MiB')
    return await readFile(path, 'latin1')
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : (cause as Error).message
    throw new RangeError(`cannot read ${path} (${why})`, { cause })
  }
}

/** Changes whenever one of the files does, be it that it goes or comes. */
const looks = async ({ cert, key, clientCa }: TlsPaths): Promise<string> => {
  const files = [cert, key, clientCa].map(async (path) => {
    if (path === undefined) return ''
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
      return [ino, size, mtimeNs, ctimeNs].join(' ')
    } catch {
      return 'none'
    }
  })
  return (await Promise.all(files)).join('\n')
}
