import { X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TlsPaths } from '@sluice/net'

/** A certificate, those that lead to its root, and its key: all PEM. */
export interface Issued {
  readonly chain: string
  readonly key: string
}

/** Wall clock, ms since 1970. */
export interface Life {
  readonly from: number
  readonly to: number
}

/** Where certificates are kept: key and chain in one file, so that they change together. */
export class CertificateFiles {
  readonly #folder: string
  /** Names that have a file. */
  readonly #known = new Set<string>()

  /** @param folder made where it is not there */
  constructor(folder: string) {
    this.#folder = folder
  }

  pathsOf(name: string): TlsPaths | undefined {
    const file = this.#fileOf(name)
    return this.#known.has(name) ? { cert: file, key: file } : undefined
  }

  /** @returns how long the certificate of a name is good; undefined: there is none, or none of use */
  lifeOf(name: string): Life | undefined {
    try {
      const { validFrom, validTo } = new X509Certificate(readFileSync(this.#fileOf(name)))
      this.#known.add(name)
      return { from: Date.parse(validFrom), to: Date.parse(validTo) }
    } catch {
      return undefined
    }
  }

  /** @throws the system's error */
  put(name: string, { chain, key }: Issued): void {
    this.#write(this.#fileOf(name), `${chain.trimEnd()}\n${key.trimEnd()}\n`)
  }

  /** The key of the account, made where there is none. @throws the system's error */
  async accountKey(make: () => Promise<string>): Promise<string> {
    const file = join(this.#folder, 'account.key')
    if (!existsSync(file)) this.#write(file, await make())
    return readFileSync(file, 'latin1')
  }

  #fileOf(name: string): string {
    return join(this.#folder, `${name}.pem`)
  }

  /** Whole or not at all. */
  #write(file: string, text: string): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const next = `${file}.new`
    writeFileSync(next, text, { mode: 0o600 })
    chmodSync(next, 0o600)
    renameSync(next, file)
  }
}
