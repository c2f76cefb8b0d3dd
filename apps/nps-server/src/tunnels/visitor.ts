import type { Clock } from '@sluice/ratelimit'
import type { DatagramListener, DatagramSession } from '@sluice/service'
import type { DatagramLink } from '../agent.ts'
import { Ferry } from './ferry.ts'

const MAX_EARLY = 64
const MAX_EARLY_BYTES = 64 * 1024

export interface VisitorOptions {
  readonly session: DatagramSession
  readonly socket: Pick<DatagramListener, 'maxBytes' | 'send'>
  /** Asks a client program for a way to the target. */
  readonly open: (signal: AbortSignal) => Promise<DatagramLink>
  readonly clock: Clock
  readonly idleMs: number
}

/** The datagrams of one visitor of a udp tunnel. Its session's end is its own. */
export class Visitor {
  readonly session: DatagramSession
  readonly #socket: VisitorOptions['socket']
  readonly #ferry: Ferry<void>
  readonly #opening = new AbortController()
  /** What came before there was a way. */
  #early: Uint8Array[] | undefined = []
  #earlyBytes = 0
  #link: DatagramLink | undefined = undefined

  constructor({ session, socket, open, clock, idleMs }: VisitorOptions) {
    const { host, port } = session.client
    this.session = session
    this.#socket = socket
    this.#ferry = new Ferry<void>({
      session,
      clock,
      idleMs,
      up: (payload) => this.#link!.send(payload),
      down: (payload) => socket.send(payload, host, port),
      onIdle: (error) => session.close(error),
    })
    void this.#open(open)
  }

  /** @param payload the visitor's own from now on */
  send(payload: Uint8Array): void {
    if (this.#early === undefined) this.#ferry.up(payload)
    else if (this.#early.length < MAX_EARLY && this.#earlyBytes + payload.length <= MAX_EARLY_BYTES) {
      this.#early.push(payload)
      this.#earlyBytes += payload.length
    } else this.#ferry.drop('queue')
  }

  /** Its session is over. */
  close(): void {
    this.#opening.abort(new Error('the visitor has gone'))
    this.#ferry.close()
    this.#flush()
    this.#link?.close()
  }

  async #open(open: VisitorOptions['open']): Promise<void> {
    try {
      const link = await open(this.#opening.signal)
      if (this.session.isOver) link.close()
      else this.#connected(link)
    } catch (error) {
      this.session.close(error as Error)
    }
  }

  #connected(link: DatagramLink): void {
    this.#link = link
    link.onDatagram = (payload): void => this.#arrived(payload)
    link.onClose = (error): void => this.session.close(error)
    this.#flush()
  }

  /** `payload` is only lent. */
  #arrived(payload: Uint8Array): void {
    if (payload.length > this.#socket.maxBytes) this.#ferry.drop('oversize')
    else this.#ferry.down(Uint8Array.from(payload))
  }

  #flush(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const payload of early) this.#ferry.up(payload)
  }
}
