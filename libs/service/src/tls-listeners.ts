import { TlsFiles, type TlsPaths } from '@sluice/net'
import { ConfigError } from './config-error.ts'
import type { Log } from './log.ts'

/** The credentials of all TLS listeners of a program, which may be replaced while it runs. */
export class TlsListeners {
  readonly #log: Pick<Log, 'info' | 'error'>
  #all: readonly { door: string; files: TlsFiles }[] = []

  constructor(log: Pick<Log, 'info' | 'error'>) {
    this.#log = log
  }

  /** @throws ConfigError that says which file is of no use, and why */
  async open(door: string, paths: TlsPaths): Promise<TlsFiles> {
    const opening = TlsFiles.open({
      paths,
      onChange: () => this.#log.info({ door }, 'tls.reloaded'),
      onError: (error) => this.#log.error({ door, err: error }, 'tls.kept'),
    })
    const files = await orUseless(door, opening)
    this.#all = [...this.#all, { door, files }]
    return files
  }

  /** The listener is closed. */
  forget(files: TlsFiles): void {
    this.#all = this.#all.filter((each) => each.files !== files)
  }

  /** Takes over files that have changed; what is of no use is told in the log. */
  poll(): void {
    for (const { files } of this.#all) void files.poll()
  }

  /** For a reload: reads all files again. @returns what takes them over @throws ConfigError as `open` */
  async prepare(): Promise<() => void> {
    const takeOver = await Promise.all(this.#all.map(({ door, files }) => orUseless(door, files.prepare())))
    return () => {
      for (const each of takeOver) each()
    }
  }
}

const orUseless = async <T>(door: string, reading: Promise<T>): Promise<T> => {
  try {
    return await reading
  } catch (cause) {
    throw new ConfigError('CONFIG_INVALID', `${door}: ${(cause as Error).message}`, { cause })
  }
}
