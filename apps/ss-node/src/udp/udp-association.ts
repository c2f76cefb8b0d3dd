import { Association, type DatagramClient, type DatagramSession } from '@sluice/service'
import { type Address, encodeSocksAddress } from '@sluice/wire'
import type { SsUser } from '../ss-user.ts'
import type { ReplySeal } from './reply-seal.ts'
import type { UdpParts, UdpSocket } from './udp-parts.ts'

type To = ReturnType<Association['towards']>

/** RFC 5452 §10: resolvers do not wait for an answer longer than this. */
const DNS_IDLE_MS = 17_000

export interface UdpAssociationOptions {
  readonly user: SsUser
  readonly session: DatagramSession
  readonly seal: ReplySeal
  readonly socket: UdpSocket
  readonly parts: UdpParts
  /** It is kept that long, whatever passes. */
  readonly leastIdleMs: number
}

/** What one client of one user sends, and is answered, by one port. Its session's end is its own. */
export class UdpAssociation implements DatagramClient {
  readonly user: SsUser
  readonly session: DatagramSession
  readonly maxBytes: number
  readonly #seal: ReplySeal
  readonly #socket: UdpSocket
  readonly #association: Association
  /** Where the last datagram went, and mostly the next one too. */
  #to: To | undefined = undefined

  constructor({ user, session, seal, socket, parts, leastIdleMs }: UdpAssociationOptions) {
    const { settings, locate, log, isDue, clock, bind } = parts
    this.user = user
    this.session = session
    this.maxBytes = socket.maxBytes - seal.bytes
    this.#seal = seal
    this.#socket = socket
    this.#association = new Association({
      caller: session,
      client: this,
      lanes: session.lanes,
      locate,
      metrics: session.metrics,
      log,
      idleMs: Math.max(leastIdleMs, settings.idleMs),
      dnsIdleMs: Math.max(leastIdleMs, Math.min(DNS_IDLE_MS, settings.idleMs)),
      cone: 'full',
      source: settings.source,
      seldom: { due: isDue },
      onEnd: (error) => session.close(error),
      ...(clock && { clock }),
      ...(bind && { bind }),
    })
  }

  /** @param payload the association's from now on */
  relay({ address, payload }: { readonly address: Address; readonly payload: Uint8Array }): void {
    let to = this.#to
    if (to === undefined || to.address.port !== address.port || to.address.host !== address.host) {
      to = this.#to = this.#association.towards(address)
    }
    this.#association.send(payload, to)
  }

  headOf(peer: Address): Uint8Array {
    return encodeSocksAddress(peer)
  }

  send(head: Uint8Array, payload: Uint8Array): void {
    const { host, port } = this.session.client
    this.#socket.send(this.#seal.seal(head, payload), host, port)
  }

  close(): void {
    this.#association.close()
  }
}
