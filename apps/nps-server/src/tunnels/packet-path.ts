import type { Clock } from '@sluice/ratelimit'
import { type DatagramClient, type DropReason, ServiceError, type Serving } from '@sluice/service'
import type { DatagramPath, OpenPath } from '@sluice/service/socks'
import { type Address, formatAddress } from '@sluice/wire'
import type { PacketLink } from '../agent.ts'
import type { LiveTunnel } from '../registry.ts'
import { dialAgent } from './agent-dial.ts'
import { Ferry } from './ferry.ts'

export interface PacketPathOptions {
  readonly session: Serving
  readonly client: DatagramClient
  readonly link: PacketLink
  readonly clock: Clock
  readonly idleMs: number
  readonly onEnd: (error: Error) => void
}

/** From a client of SOCKS5 through a client program to whomever it sends to. */
export class PacketPath implements DatagramPath<Address> {
  readonly #client: DatagramClient
  readonly #link: PacketLink
  readonly #ferry: Ferry<Address>
  /** Who sent the last datagram, and what is put in front of theirs. */
  #from = ''
  #head: Uint8Array = new Uint8Array(0)

  constructor({ session, client, link, clock, idleMs, onEnd }: PacketPathOptions) {
    this.#client = client
    this.#link = link
    this.#ferry = new Ferry<Address>({
      session,
      clock,
      idleMs,
      up: (payload, to) => link.send(to, payload),
      down: (payload, from) => client.send(this.#headOf(from), payload),
      onIdle: onEnd,
    })
    link.onDatagram = (from, payload): void => this.#arrived(from, payload)
    link.onClose = (error): void => onEnd(error ?? new ServiceError('AGENT_LOST'))
  }

  towards(address: Address): Address {
    return address
  }

  send(payload: Uint8Array, to: Address): void {
    this.#ferry.up(payload, to)
  }

  drop(reason: DropReason): void {
    this.#ferry.drop(reason)
  }

  close(): void {
    this.#ferry.close()
    this.#link.close()
  }

  /** `payload` is only lent. */
  #arrived(from: Address, payload: Uint8Array): void {
    if (this.#headOf(from).length + payload.length > this.#client.maxBytes) this.drop('oversize')
    else this.#ferry.down(Uint8Array.from(payload), from)
  }

  #headOf(from: Address): Uint8Array {
    const text = formatAddress(from)
    if (text !== this.#from) {
      this.#from = text
      this.#head = this.#client.headOf(from)
    }
    return this.#head
  }
}

/** What the associations of one tunnel are opened with. */
export interface PacketParts {
  readonly clock: Clock
  readonly udpIdleMs: () => number
  readonly dialMs: () => number
}

export const packetPaths =
  ({ client: owner }: LiveTunnel, { clock, udpIdleMs, dialMs }: PacketParts): OpenPath<Address> =>
  async (session, client, onEnd, signal) => {
    const until = { signal, ms: dialMs() }
    const link = await dialAgent(owner, until, (agent, waiting) => agent.openPackets(session.client, waiting))
    return new PacketPath({ session, client, link, clock, idleMs: udpIdleMs(), onEnd })
  }
