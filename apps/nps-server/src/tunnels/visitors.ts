import type { OnDatagram } from '@sluice/net'
import type { Clock } from '@sluice/ratelimit'
import {
  codeOf,
  type DatagramListener,
  DatagramSession,
  endpoint,
  type Log,
  type Program,
  ServiceError,
} from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import type { LiveTunnel } from '../registry.ts'
import { checkMayVisit } from '../visitor-lists.ts'
import { dialAgent } from './agent-dial.ts'
import type { VisitParts } from './visit.ts'
import { Visitor } from './visitor.ts'

/** Of one tunnel. Each may have 1 MiB in its queues. */
const MOST = 16_384

export interface VisitorsParts extends VisitParts {
  readonly program: Pick<Program, 'datagrams'>
  readonly log: Log
  readonly clock: Clock
  readonly udpIdleMs: () => number
  /** Whether it is time to tell of this again. */
  readonly isDue: (what: string) => boolean
}

/** All who send datagrams to one udp tunnel, known by address and port. */
export class Visitors {
  readonly #tunnel: LiveTunnel
  readonly #parts: VisitorsParts
  readonly #all = new Map<string, Visitor>()
  #socket: DatagramListener | undefined = undefined
  /** Whoever sent the last datagram, and mostly sends the next one too. */
  #last: Visitor | undefined = undefined

  /** @throws the system's error */
  static async open(tunnel: LiveTunnel, address: Address, parts: VisitorsParts): Promise<Visitors> {
    const visitors = new Visitors(tunnel, parts)
    visitors.#socket = await parts.program.datagrams('tunnel', address, visitors.#onDatagram, {
      fields: tunnel.fields,
      levels: () => tunnel.levels,
    })
    return visitors
  }

  private constructor(tunnel: LiveTunnel, parts: VisitorsParts) {
    this.#tunnel = tunnel
    this.#parts = parts
  }

  /** What is sent back would come from elsewhere, so all who are here have to go. */
  close(): void {
    this.#socket?.close()
    for (const { session } of this.#all.values()) session.cut('TUNNEL_REMOVED')
  }

  readonly #onDatagram: OnDatagram = (payload, host, port) => {
    const socket = this.#socket
    if (socket === undefined) return
    let visitor = this.#last
    if (visitor?.session.client.port !== port || visitor.session.client.host !== host) {
      visitor = this.#all.get(`${host} ${port}`) ?? this.#enter(socket, { host, port })
    }
    this.#last = visitor
    visitor?.send(payload)
  }

  #enter(socket: DatagramListener, client: Address): Visitor | undefined {
    // To port 0 nothing can go back.
    if (client.port === 0) return this.#refused(socket, client, new ServiceError('HANDSHAKE_INVALID'))
    try {
      const { client: owner } = this.#tunnel
      checkMayVisit(client.host, this.#tunnel)
      if (this.#all.size >= MOST) throw new ServiceError('ASSOCIATION_LIMIT')
      // Not left to the dial: each datagram would be a session of its own that fails.
      if (owner.agents.all.length === 0) throw new ServiceError('AGENT_OFFLINE')
      return this.#begin(socket, client)
    } catch (error) {
      return this.#refused(socket, client, error)
    }
  }

  #begin(socket: DatagramListener, client: Address): Visitor {
    const { client: owner, targets } = this.#tunnel
    const { clock, udpIdleMs, dialMs, ownerOf } = this.#parts
    const picked = targets.pick()
    const key = `${client.host} ${client.port}`
    try {
      const session = DatagramSession.open(socket.parts, { account: ownerOf(owner), client, protocol: 'udp' })
      const link = { target: formatAddress(picked.address), visitor: client }
      const visitor = new Visitor({
        session,
        socket,
        open: (signal) =>
          dialAgent(owner, { signal, ms: dialMs() }, (agent, waiting) => agent.openDatagrams(link, waiting)),
        clock,
        idleMs: udpIdleMs(),
      })
      session.onEnd = (): void => {
        this.#all.delete(key)
        if (this.#last === visitor) this.#last = undefined
        picked.release()
        visitor.close()
      }
      this.#all.set(key, visitor)
      return visitor
    } catch (error) {
      picked.release()
      throw error
    }
  }

  #refused({ parts }: DatagramListener, client: Address, error: unknown): undefined {
    const { door, metrics } = parts
    const code = codeOf(error)
    const { id: tunnel } = this.#tunnel.record
    metrics.datagramDropped('refused')
    if (this.#parts.isDue(`${tunnel} ${code}`)) {
      this.#parts.log.info(
        { door, tunnel, protocol: 'udp', client: endpoint(client), code },
        'datagram.refused',
      )
    }
  }
}
