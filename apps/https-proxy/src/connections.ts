import { AddressSet, type Reader, refuse } from '@sluice/net'
import { type Handshake, ServiceError, type Sessions } from '@sluice/service'

/** What connections are held to before a byte of theirs is read. */
export interface ConnectionLimits {
  /** At a time. */
  readonly most: number
  /** Networks that they may come from; from everywhere where there is none. */
  readonly from: readonly string[]
}

/** How a listener says no before it has read anything; nothing where nothing can be said so early. */
export type Refusal = (code: 'CONNECTIONS_FULL' | 'ADDRESS_DENIED', retryMs: number | undefined) => Uint8Array

/** A connection comes free sooner or later; nobody knows when. */
const RETRY_MS = 1000
/** How many that were refused may be waited for until they have read why. */
const MAX_WORDS = 1024
const NOTHING = new Uint8Array(0)

/** Turns connections away that are too many, or come from elsewhere, at as little cost as can be. */
export class Connections {
  readonly #sessions: Pick<Sessions, 'size'>
  most: number = Infinity
  #isAllowed: (ip: string) => boolean = () => true
  /** Sessions of those that are being told why not. */
  #leaving = 0
  /** Of those that were too many. */
  refused = 0

  constructor(sessions: Pick<Sessions, 'size'>, limits: ConnectionLimits) {
    this.#sessions = sessions
    this.set(limits)
  }

  set({ most, from }: ConnectionLimits): void {
    const networks = new AddressSet(from)
    this.most = most
    this.#isAllowed = from.length === 0 ? (): boolean => true : (ip): boolean => networks.has(ip)
  }

  /** Those that were let in. */
  get size(): number {
    return this.#sessions.size - this.#leaving
  }

  guard(handshake: Handshake, refusal: Refusal = () => NOTHING): Handshake {
    return (reader, directory) => {
      if (!this.#isAllowed(reader.client.host)) return this.#refuse(reader, 'ADDRESS_DENIED', refusal)
      if (this.size <= this.most) return handshake(reader, directory)
      this.refused += 1
      return this.#refuse(reader, 'CONNECTIONS_FULL', refusal)
    }
  }

  async #refuse(
    { conn }: Reader,
    code: 'CONNECTIONS_FULL' | 'ADDRESS_DENIED',
    refusal: Refusal,
  ): Promise<never> {
    const words = refusal(code, code === 'CONNECTIONS_FULL' ? RETRY_MS : undefined)
    this.#leaving += 1
    try {
      if (words.length > 0 && this.#leaving <= MAX_WORDS) await refuse(conn, words)
    } finally {
      // The session is over one turn later; until then there is room for one more than there should be.
      this.#leaving -= 1
    }
    throw new ServiceError(code, undefined, code === 'CONNECTIONS_FULL' ? { retryMs: RETRY_MS } : {})
  }
}
