import { createTlsContext, namelessCertificate, type TlsContext, TlsFiles, type TlsPaths } from '@sluice/net'
import { ConfigError, type Log, Seldom } from '@sluice/service'
import type { HostRecord } from '../records.ts'
import type { LiveHost } from '../registry.ts'
import type { HostAcme } from './host-acme.ts'

/** How often files are looked at. */
const LOOK_MS = 1000
/** Files that nobody has asked for at so many looks are read when somebody does. */
const FORGOTTEN = 600
/** How often the log is told of files that are of no use. */
const TOLD_MS = 60_000

export interface CertificatesOptions {
  /** Of hosts that have none of their own; one is made up where there is none. */
  readonly cert: string | undefined
  readonly key: string | undefined
  /** All that a name may stand for, the nearest first. */
  readonly named: (name: string) => Iterable<LiveHost>
  readonly acme: HostAcme
  readonly log: Pick<Log, 'info' | 'error'>
}

/** The files of one certificate. */
interface Entry {
  /** Undefined for as long as they never were of use. */
  files: TlsFiles | undefined
  looking: Promise<void> | undefined
  /** How often it was looked at since it was last asked for. */
  unused: number
}

/** Which certificate visitors are shown: that of the host that they ask for, of files that are read anew when they change. */
export class Certificates implements Disposable {
  readonly #options: CertificatesOptions
  readonly #fallback: { readonly context: TlsContext }
  readonly #entries = new Map<string, Entry>()
  readonly #seldom = new Seldom(TOLD_MS)
  readonly #looking: NodeJS.Timeout

  /** @throws ConfigError where the files that all hosts share are of no use */
  static async open(options: CertificatesOptions): Promise<Certificates> {
    return new Certificates(options, await fallbackOf(options))
  }

  private constructor(options: CertificatesOptions, fallback: { readonly context: TlsContext }) {
    this.#options = options
    this.#fallback = fallback
    this.#looking = setInterval(() => void this.look(), LOOK_MS)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#looking)
  }

  /** What a visitor is shown who asks for that name; undefined: for none. Never rejects. */
  async contextFor(name: string | undefined): Promise<TlsContext> {
    for (const { record } of name === undefined ? [] : this.#options.named(name)) {
      const paths = pathsOf(record) ?? this.#options.acme.pathsOf(record)
      const entry = paths && this.#entryOf(paths)
      if (entry !== undefined) entry.unused = 0
      // The first who asks waits until the files are read.
      if (entry?.files === undefined) await entry?.looking
      if (entry?.files !== undefined) return entry.files.context
    }
    return this.#fallback.context
  }

  /** Reads what has changed; what is of no use is told, and leaves all as it was. */
  async look(): Promise<void> {
    const own = this.#fallback instanceof TlsFiles ? [this.#fallback.poll()] : []
    const all = Array.from(this.#entries, ([key, entry]) => this.#lookAt(key, entry))
    await Promise.all([...own, ...all])
  }

  #entryOf(paths: TlsPaths): Entry {
    const key = JSON.stringify(paths)
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { files: undefined, looking: undefined, unused: 0 }
      this.#entries.set(key, entry)
      entry.looking = this.#lookAt(key, entry)
    }
    return entry
  }

  async #lookAt(key: string, entry: Entry): Promise<void> {
    if (++entry.unused > FORGOTTEN) this.#entries.delete(key)
    if (entry.files !== undefined) return entry.files.poll()
    const paths = JSON.parse(key) as TlsPaths
    try {
      entry.files = await TlsFiles.open({ paths, ...told(this.#options.log) })
    } catch (error) {
      if (this.#seldom.due(key)) this.#options.log.error({ door: 'https', err: error }, 'tls.unusable')
    }
  }
}

const told = (
  log: CertificatesOptions['log'],
): { onChange: () => void; onError: (error: Error) => void } => ({
  onChange: () => log.info({ door: 'https' }, 'tls.reloaded'),
  onError: (error) => log.error({ door: 'https', err: error }, 'tls.kept'),
})

const pathsOf = ({ certFile: cert, keyFile: key }: HostRecord): TlsPaths | undefined =>
  cert === undefined || key === undefined ? undefined : { cert, key }

const fallbackOf = async ({
  cert,
  key,
  log,
}: CertificatesOptions): Promise<TlsFiles | { context: TlsContext }> => {
  if (cert === undefined && key === undefined) return { context: createTlsContext(namelessCertificate()) }
  if (cert === undefined || key === undefined)
    throw new ConfigError('CONFIG_INVALID', 'a certificate needs its key: --https-cert and --https-key')
  try {
    return await TlsFiles.open({ paths: { cert, key }, ...told(log) })
  } catch (cause) {
    throw new ConfigError('CONFIG_INVALID', `https: ${(cause as Error).message}`, { cause })
  }
}
