import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '@sluice/net'
import { ConfigError } from '@sluice/service'
import { formatRelayUrl, parseRelayUrl, type RelayAddress } from '@sluice/wire/relay'
import { z } from 'zod'

/** A reservation, as the process that holds it has noted it down. */
export interface HeldNote {
  /** URL. */
  readonly relay: string
  /** Ms since 1970. */
  readonly until: number
  /** Where the peer can be reached by it. */
  readonly addresses: readonly string[]
}

const RELAYS = 'peer-relays.json'
const HELD = 'peer-reservations.json'

const isRelay = (url: string): boolean => {
  try {
    return parseRelayUrl(url).address.host !== ''
  } catch {
    return false
  }
}

const relaysShape = z.array(z.string().refine(isRelay)).max(16)
const heldShape = z.object({
  pid: z.int().positive(),
  held: z.array(z.object({ relay: z.string(), until: z.number(), addresses: z.array(z.string()) })).max(16),
})

/** What commands on one data folder leave for each other; each file is replaced as a whole. */
export class PeerNotes {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Those of the last command that was told some. @throws ConfigError where they cannot be read */
  get relays(): readonly RelayAddress[] {
    return (this.#read(RELAYS, relaysShape) ?? []).map((url) => parseRelayUrl(url))
  }

  /** @throws ConfigError where they cannot be written */
  keepRelays(relays: readonly RelayAddress[]): void {
    this.#write(RELAYS, relays.map(formatRelayUrl))
  }

  /** Those of a process that still runs. */
  get held(): readonly HeldNote[] {
    const note = this.#read(HELD, heldShape)
    return note !== undefined && isRunning(note.pid) ? note.held : []
  }

  keepHeld(held: readonly HeldNote[]): void {
    this.#write(HELD, { pid: process.pid, held })
  }

  /** What this process has noted; another one may hold it by now. */
  forgetHeld(): void {
    if (this.#read(HELD, heldShape)?.pid === process.pid) rmSync(join(this.#folder, HELD), { force: true })
  }

  /** What is not of the right shape is as good as not there: all of it can be said again. */
  #read<T>(name: string, shape: z.ZodType<T>): T | undefined {
    const file = join(this.#folder, name)
    try {
      return shape.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data
    } catch (error) {
      if (error instanceof SyntaxError || errnoOf(error) === 'ENOENT') return undefined
      throw unusable('read', file, error)
    }
  }

  #write(name: string, value: unknown): void {
    const file = join(this.#folder, name)
    const draft = `${file}.${process.pid}.tmp`
    try {
      mkdirSync(this.#folder, { recursive: true })
      writeFileSync(draft, `${JSON.stringify(value)}\n`, { mode: 0o600 })
      renameSync(draft, file)
    } catch (error) {
      throw unusable('write', file, error)
    }
  }
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return errnoOf(error) === 'EPERM'
  }
}

const unusable = (verb: string, file: string, cause: unknown): ConfigError =>
  new ConfigError('CONFIG_INVALID', `cannot ${verb} ${file} (${errnoOf(cause)})`, { cause })
