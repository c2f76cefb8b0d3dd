import { plainIp } from '@sluice/net'
import { keysOf } from './name-keys.ts'
import type { NamePatterns } from './name-patterns.ts'

/** Who wants what, as far as a handshake tells. */
export interface Subject {
  /** The door's listener. */
  readonly listener: string
  readonly user: string
  readonly groups: readonly string[]
  /** IP address of who came. */
  readonly client: string
  readonly protocol: string
  /** As it was asked for: a name or an IP address. */
  readonly host: string
  readonly port: number
}

/** A subject as rules look at it; what costs something is found out when the first rule asks. */
export class Facts {
  readonly subject: Subject
  /** Wall clock, ms since 1970. */
  readonly now: number
  readonly port: number
  /** The address that is dialled, once it is known. */
  readonly ip: Uint8Array | undefined
  readonly #patterns: NamePatterns
  #client: Uint8Array | undefined = undefined
  #nameKeys: readonly string[] | undefined = undefined
  #namePatterns: readonly string[] | undefined = undefined

  constructor(
    subject: Subject,
    now: number,
    patterns: NamePatterns,
    ip: Uint8Array | undefined,
    port: number = subject.port,
  ) {
    this.subject = subject
    this.#patterns = patterns
    this.now = now
    this.ip = ip
    this.port = port
  }

  get client(): Uint8Array | undefined {
    return (this.#client ??= plainIp(this.subject.client))
  }

  get nameKeys(): readonly string[] {
    return (this.#nameKeys ??= keysOf(this.subject.host))
  }

  /** Those of the rules' regular expressions that the name matches; none for an IP address. */
  get namePatterns(): readonly string[] {
    const [name] = this.nameKeys
    return (this.#namePatterns ??= name === undefined ? [] : this.#patterns.in(name))
  }
}
