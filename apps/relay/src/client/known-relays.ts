import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '@sluice/net'
import { ConfigError } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'

/** Which relay was seen first at an address. It has to be that one from then on. */
export interface KnownRelays {
  /** NodeID in Base58. */
  get(address: Address): string | undefined
  /** @returns who is known there now: `id`, unless another one was seen before */
  add(address: Address, id: string): string
  /** Where a person can make it forget; '' where nowhere. */
  readonly place: string
}

/** Forgets all with the process. */
export const knownInMemory = (): KnownRelays => {
  const known = new Map<string, string>()
  return {
    place: '',
    get: (address) => known.get(formatAddress(address)),
    add: (address, id) => known.get(formatAddress(address)) ?? (known.set(formatAddress(address), id), id),
  }
}

/** A file of more is none of ours. */
const MAX_FILE_CHARS = 1024 * 1024
const LINE = /^(\S+) ([1-9A-HJ-NP-Za-km-z]{32,44})$/

/**
 * In a file of lines, `HOST:PORT ID`, of which the first for an address counts. It is only ever added to, a line at a time,
 * so whichever of several programs meets a relay first, all agree, and none undoes what another wrote.
 */
export class KnownRelaysFile implements KnownRelays {
  readonly place: string

  constructor(file: string) {
    this.place = file
  }

  /** @throws ConfigError CONFIG_INVALID where the file cannot be read */
  get(address: Address): string | undefined {
    return firstOf(this.#read(), address)
  }

  /** @throws ConfigError CONFIG_INVALID where the file cannot be read or written */
  add(address: Address, id: string): string {
    const text = this.#read()
    const known = firstOf(text, address)
    if (known !== undefined) return known
    // A line that a crash has cut off must not run into this one.
    const lead = text === '' || text.endsWith('\n') ? '' : '\n'
    try {
      mkdirSync(dirname(this.place), { recursive: true })
      appendFileSync(this.place, `${lead}${formatAddress(address)} ${id}\n`, { mode: 0o600, flush: true })
    } catch (error) {
      throw unusable('write', this.place, error)
    }
    return firstOf(this.#read(), address) ?? id
  }

  #read(): string {
    try {
      const text = readFileSync(this.place, 'utf8')
      if (text.length <= MAX_FILE_CHARS) return text
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return ''
      throw unusable('read', this.place, error)
    }
    throw new ConfigError('CONFIG_INVALID', `${this.place} is no list of known relays: it is too long`)
  }
}

const firstOf = (text: string, address: Address): string | undefined => {
  const wanted = formatAddress(address)
  for (const line of text.split('\n')) {
    const [, place, id] = LINE.exec(line) ?? []
    if (place === wanted) return id
  }
  return undefined
}

const unusable = (verb: string, file: string, cause: unknown): ConfigError =>
  new ConfigError('CONFIG_INVALID', `cannot ${verb} the known relays in ${file} (${errnoOf(cause)})`, {
    cause,
  })
