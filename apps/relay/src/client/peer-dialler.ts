import { PeerError } from '../peer/peer-error.ts'
import { RELAY_STATUS } from '@sluice/wire/relay'
import type { PeerCircuit, RelayLink } from './relay-link.ts'
import { isFull } from './wait-line.ts'

/** Gets circuits to peers by whichever of some relays has them; the one that had the last is asked first. */
export class PeerDialler {
  readonly #links: RelayLink[]

  constructor(links: readonly RelayLink[]) {
    this.#links = [...links]
  }

  /** @param peer its NodeID @throws PeerError, of several relays' that which says most; the signal's reason */
  async connect(peer: Uint8Array, signal: AbortSignal): Promise<PeerCircuit> {
    const errors: unknown[] = []
    for (const link of [...this.#links]) {
      try {
        const circuit = await link.connect(peer, signal)
        this.#prefer(link)
        return circuit
      } catch (error) {
        signal.throwIfAborted()
        errors.push(error)
      }
    }
    throw errors.toSorted((one, other) => weightOf(other) - weightOf(one))[0]
  }

  #prefer(link: RelayLink): void {
    this.#links.splice(this.#links.indexOf(link), 1)
    this.#links.unshift(link)
  }
}

/** A relay that has the peer knows more of what is amiss than one that has not, and that more than one that is away. */
const weightOf = (error: unknown): number => {
  if (isFull(error)) return 4
  if (!(error instanceof PeerError)) return 0
  if (error.code === 'RELAY_IDENTITY' || error.code.startsWith('PEER_')) return 3
  if (error.code !== 'RELAY_REFUSED') return 0
  return error.status === RELAY_STATUS.NO_RESERVATION ? 1 : 2
}
