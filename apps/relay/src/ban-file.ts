import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '@sluice/net'
import { ConfigError } from '@sluice/service'
import { z } from 'zod'
import type { Ban, Bans } from './bans.ts'

const FILE = 'relay-bans.json'

const list = z.array(
  z.object({
    subject: z.string().max(64),
    expiresAt: z.number().optional(),
    reason: z.string().max(256).optional(),
  }),
)

/** The bans in force as a file of the data folder, for them to outlive the program. */
export class BanFile {
  readonly #file: string

  /** @param data the data folder */
  constructor(data: string) {
    this.#file = join(data, FILE)
  }

  /** @throws ConfigError where the file is not one of ours */
  load(into: Bans): void {
    const text = this.#read()
    if (text === undefined) return
    try {
      for (const ban of list.parse(JSON.parse(text))) into.add(ban)
    } catch (cause) {
      throw new ConfigError('CONFIG_INVALID', `${this.#file} does not hold a list of bans`, { cause })
    }
  }

  /** In one step. @throws the system's error */
  save(bans: readonly Ban[]): void {
    const draft = `${this.#file}.${randomUUID()}.tmp`
    try {
      writeFileSync(draft, `${JSON.stringify(bans, null, 2)}\n`, { mode: 0o600 })
      renameSync(draft, this.#file)
    } finally {
      rmSync(draft, { force: true })
    }
  }

  #read(): string | undefined {
    try {
      return readFileSync(this.#file, 'utf8')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw new ConfigError('CONFIG_INVALID', `cannot read ${this.#file} (${errnoOf(error)})`, {
        cause: error,
      })
    }
  }
}
