import { codeOf, DatagramSession, endpoint } from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { SsUser } from '../ss-user.ts'
import type { ReplySeal } from './reply-seal.ts'
import { UdpAssociation } from './udp-association.ts'
import type { UdpParts, UdpSocket } from './udp-parts.ts'

/** Each has a socket, and may have 1 MiB in its buffers. */
export const MOST_OF_A_PORT = 16_384

export interface Entrance {
  readonly user: SsUser
  readonly client: Address
  readonly seal: ReplySeal
  /** @default 0 */
  readonly leastIdleMs?: number
  /** It is over. */
  readonly forget: () => void
}

/** The associations of one port: admitted, bounded in number, and all ended with it. */
export class Associations {
  readonly #parts: UdpParts
  readonly #socket: UdpSocket
  readonly #all = new Set<UdpAssociation>()
  #isClosed = false

  constructor(parts: UdpParts, socket: UdpSocket) {
    this.#parts = parts
    this.#socket = socket
  }

  get size(): number {
    return this.#all.size
  }

  /** @returns undefined where the user may not have one now: the datagram is dropped then, and its sender told nothing */
  open(entrance: Entrance): UdpAssociation | undefined {
    const { user, client } = entrance
    if (this.#isClosed) return undefined
    if (this.#all.size >= MOST_OF_A_PORT) return this.#refused(entrance, 'ASSOCIATION_LIMIT')
    try {
      const origin = { account: user.account, credential: user, client, protocol: 'udp' }
      return this.#begin(entrance, DatagramSession.open(this.#socket.parts, origin))
    } catch (error) {
      return this.#refused(entrance, codeOf(error))
    }
  }

  close(): void {
    this.#isClosed = true
    for (const { session } of this.#all) session.cut('CREDENTIAL_CHANGED')
  }

  #begin({ user, seal, forget, leastIdleMs = 0 }: Entrance, session: DatagramSession): UdpAssociation {
    const [parts, socket] = [this.#parts, this.#socket]
    const association = new UdpAssociation({ user, session, seal, socket, parts, leastIdleMs })
    this.#all.add(association)
    session.onEnd = (): void => {
      association.close()
      this.#all.delete(association)
      forget()
    }
    return association
  }

  #refused({ user, client }: Entrance, code: string): undefined {
    const { door, metrics } = this.#socket.parts
    metrics.datagramDropped('refused')
    if (this.#parts.isDue(code)) {
      const who = { door, protocol: 'udp', user: user.name, client: endpoint(client) }
      this.#parts.log.info({ ...who, code }, 'datagram.refused')
    }
  }
}
