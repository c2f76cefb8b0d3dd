import {
  CAPABILITY,
  type CircuitClosed,
  type CircuitTerms,
  type Goaway,
  type Incoming,
  isZero,
  nodeIdOf,
  type Notice,
  RELAY_STATUS,
  type RelayFrame,
  type RelayStatus,
  type Reservation,
} from '@sluice/wire/relay'
import { type FramePort, unexpected } from './frame-port.ts'
import { isSame } from './identity.ts'
import { type LoggedIn, refused } from './login.ts'
import { PeerError } from './peer-error.ts'
import type { Timing } from './timing.ts'

/** What a relay tells a peer that holds a reservation. */
export interface ControlEvents {
  /**
   * Somebody wants a circuit: `acceptFrame` on another connection to the relay of `control` within `acceptWithin`, or
   * `control.reject`.
   */
  incoming(offer: Incoming, control: Control): void
  closed?(circuit: CircuitClosed): void
  notice?(notice: Notice): void
}

/** A reservation as the relay has granted it. */
export interface Held extends CircuitTerms {
  /** Where the peer can be reached now. */
  readonly addresses: readonly string[]
  /** Seconds since 1970, by the relay's clock. */
  readonly expire: number
  /** Seconds from now on. */
  readonly ttl: number
  /** Circuits at a time; 0: any number. */
  readonly slots: number
  readonly voucher: Uint8Array
}

/** How long the reason for a refusal may come behind it. */
const REASON_MS = 100

type Waiting<T> = PromiseWithResolvers<T>

/** A control connection, logged in: asks for a reservation, keeps it alive and hears of circuits. */
export class Control {
  readonly loggedIn: LoggedIn
  /** Resolves with the reason once the connection is no more. */
  readonly ended: Promise<Error>
  /** Resolves where the relay wants the peer to go; the connection may go on for a while. */
  readonly sentAway: Promise<Goaway>
  readonly #port: FramePort
  readonly #events: ControlEvents
  readonly #timing: Timing
  readonly #leave: (goaway: Goaway) => void
  #reserving: Waiting<Held> | undefined = undefined
  #addresses: readonly string[] | undefined = undefined
  #pinging: Waiting<number> | undefined = undefined
  #pingedAt = 0
  #lastNotice: Notice | undefined = undefined
  /** Waits for a reason; undefined: none will come. */
  #onNotice: ((notice: Notice | undefined) => void) | undefined = undefined
  /** Since the last ping that was due. */
  #heard = true
  #cancelPing: () => void = () => {}

  constructor(port: FramePort, loggedIn: LoggedIn, events: ControlEvents, timing: Timing) {
    this.#port = port
    this.loggedIn = loggedIn
    this.#events = events
    this.#timing = timing
    const { promise, resolve } = Promise.withResolvers<Goaway>()
    this.sentAway = promise
    this.#leave = resolve
    this.ended = this.#run()
    this.#pingLater()
  }

  /**
   * A reservation, or the same one for longer. One at a time.
   * @param ttl wanted seconds; 0, and where the relay does not take wishes: as it likes
   * @throws PeerError RELAY_REFUSED, or what the connection ended with
   */
  reserve(ttl: number): Promise<Held> {
    this.#reserving = Promise.withResolvers()
    this.#addresses = undefined
    const mayAsk = (this.loggedIn.capabilities & CAPABILITY.TTL_REQUEST) !== 0
    this.#port.send({ type: 'reserve', ttl: mayAsk ? ttl : 0 })
    return this.#reserving.promise
  }

  /** Gives the reservation up; circuits that run go on. */
  release(): void {
    this.#port.send({ type: 'release' })
  }

  reject({ circuitId }: Incoming, status: RelayStatus, reason = ''): void {
    this.#port.send({ type: 'reject', circuitId, status, reason })
  }

  /** Milliseconds there and back. One at a time. @throws what the connection ended with */
  ping(): Promise<number> {
    this.#pinging = Promise.withResolvers()
    this.#pingedAt = this.#timing.now()
    this.#port.send({ type: 'ping', opaque: new Uint8Array(8) })
    return this.#pinging.promise
  }

  close(error?: Error): void {
    this.#port.close(error ?? new PeerError('PEER_CLOSED', 'this side has closed it'))
  }

  async #run(): Promise<Error> {
    try {
      for (;;) {
        const frame = await this.#port.read()
        this.#heard = true
        this.#take(frame)
      }
    } catch (error) {
      return this.#end(error as Error)
    }
  }

  #end(error: Error): Error {
    this.#cancelPing()
    this.#onNotice?.(undefined)
    this.#port.close(error)
    for (const waiting of [this.#reserving, this.#pinging]) waiting?.reject(error)
    return error
  }

  #take(frame: RelayFrame): void {
    if (frame.type === 'reserveResponse') this.#answered(frame.status, frame.addresses)
    else if (frame.type === 'reservation') this.#granted(frame)
    else if (frame.type === 'incoming') this.#offered(frame)
    else if (frame.type === 'circuitClosed') this.#events.closed?.(frame)
    else if (frame.type === 'goaway') this.#leave(frame)
    else this.#takeWords(frame)
  }

  #takeWords(frame: RelayFrame): void {
    if (frame.type === 'ping') this.#port.send({ type: 'pong', opaque: frame.opaque })
    else if (frame.type === 'pong') this.#ponged()
    else if (frame.type === 'notice') {
      this.#lastNotice = frame
      this.#onNotice?.(frame)
      this.#events.notice?.(frame)
    } else throw unexpected(frame)
  }

  #ponged(): void {
    this.#pinging?.resolve(this.#timing.now() - this.#pingedAt)
    this.#pinging = undefined
  }

  #answered(status: RelayStatus, addresses: readonly string[]): void {
    const waiting = this.#reserving
    if (waiting === undefined || this.#addresses !== undefined) {
      throw new PeerError('RELAY_PROTOCOL', 'a response to a RESERVE that nobody sent')
    }
    if (status === RELAY_STATUS.OK) {
      this.#addresses = addresses
      return
    }
    this.#reserving = undefined
    this.#refuse(waiting, status)
  }

  /** The response itself has no room for a reason: that stands in a notice, in front of it or right behind. */
  #refuse(waiting: Waiting<Held>, status: RelayStatus): void {
    const give = (reason: string): void => {
      cancel()
      this.#onNotice = undefined
      waiting.reject(refused(status, reason))
    }
    const cancel = this.#timing.after(REASON_MS, () => give(''))
    this.#onNotice = (notice) => {
      if (notice === undefined || notice.status === status) give(notice?.text ?? '')
    }
    if (this.#lastNotice !== undefined) this.#onNotice(this.#lastNotice)
  }

  #granted(reservation: Reservation): void {
    const [waiting, addresses] = [this.#reserving, this.#addresses]
    if (waiting === undefined || addresses === undefined) {
      throw new PeerError('RELAY_PROTOCOL', 'a RESERVATION that nobody asked for')
    }
    this.#reserving = this.#addresses = undefined
    waiting.resolve({ ...reservation, addresses })
  }

  #offered(offer: Incoming): void {
    if (isZero(offer.token) || !isSame(nodeIdOf(offer.sourceKey), offer.source)) {
      throw new PeerError('RELAY_PROTOCOL', 'a circuit whose source is not the owner of its key')
    }
    this.#events.incoming(offer, this)
  }

  /** A relay that says nothing from one ping to the next is gone, whatever TCP still believes. */
  #pingLater(): void {
    const { pingInterval } = this.loggedIn.welcome
    if (pingInterval === 0) return
    this.#cancelPing = this.#timing.after(pingInterval * 1000, () => {
      if (!this.#heard) {
        this.close(
          new PeerError('RELAY_TIMEOUT', `nothing from the relay within ${pingInterval} s of a ping`),
        )
        return
      }
      this.#heard = false
      if (this.#pinging === undefined) this.#port.send({ type: 'ping', opaque: new Uint8Array(8) })
      this.#pingLater()
    })
  }
}
