import { type Goaway, RELAY_STATUS } from '@sluice/wire/relay'
import { Control, type ControlEvents, type Held } from './control.ts'
import { within } from './deadline.ts'
import { type FramePort, sentAway } from './frame-port.ts'
import type { LoggedIn } from './login.ts'
import { PeerError } from './peer-error.ts'
import type { Timing } from './timing.ts'

/** A relay that has been dialled and logged in at. */
export interface Session {
  readonly port: FramePort
  readonly loggedIn: LoggedIn
}

export interface KeeperEvents extends ControlEvents {
  /** The reservation stands, for the first time, again or for longer. */
  held?(held: Held): void
  /** It does not, and is tried for again after `retryMs`. */
  lost?(error: Error, retryMs: number): void
}

export interface KeeperOptions {
  /** Dials and logs in. @param address another relay to which the relay has sent the peer, a relay URL; '' for its own */
  readonly open: (address: string) => Promise<Session>
  readonly events: KeeperEvents
  readonly timing: Timing
  /** Wanted life of a reservation in seconds. @default as the relay likes */
  readonly ttl?: number | undefined
}

/** A reservation is asked for again when so much of its life is over, and up to so much more by chance. */
const REFRESH_AT = 0.75
const REFRESH_SPREAD = 0.05
const FIRST_WAIT_MS = 500
/** A relay that has come back has all its peers within 10 s. */
const LONGEST_WAIT_MS = 8000
const ANSWER_MS = 10_000
/** What a relay says about when to come back is believed from here to there. */
const [LEAST_TOLD_MS, MOST_TOLD_MS] = [100, 3_600_000]

/** Refusals that stay the same however often one asks. */
const LASTING: ReadonlySet<number | undefined> = new Set([
  RELAY_STATUS.PERMISSION_DENIED,
  RELAY_STATUS.RESERVATION_REFUSED,
  RELAY_STATUS.UNSUPPORTED_VERSION,
  RELAY_STATUS.AUTHENTICATION_FAILED,
  RELAY_STATUS.INVALID_TOKEN,
])

/**
 * Holds a reservation at one relay: refreshes it in time, gets it back after a loss with growing pauses, and where the relay
 * sends the peer away has the new one before the old one is given up. What a relay refuses at first is not asked for again;
 * once it has been held, it is.
 */
export class Keeper {
  /** Resolves after `stop`; rejects with why it is no use to go on. */
  readonly ended: Promise<void>
  readonly #options: KeeperOptions
  #control: Control | undefined = undefined
  /** Still there until its successor holds a reservation. */
  #previous: Control | undefined = undefined
  #held: Held | undefined = undefined
  #hasHeld = false
  #failures = 0
  #stopped = false
  #wake: () => void = () => {}
  #cancelRefresh: () => void = () => {}

  constructor(options: KeeperOptions) {
    this.#options = options
    this.ended = this.#run()
  }

  /** None while it is not held. */
  get held(): Held | undefined {
    return this.#held
  }

  /** The connection over which it is held. */
  get control(): Control | undefined {
    return this.#control
  }

  /** Gives the reservation up; circuits that run go on. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#control?.release()
    this.#control?.close()
    this.#previous?.close()
    this.#wake()
  }

  async #run(): Promise<void> {
    let address = ''
    while (!this.#stopped) {
      try {
        const goaway = await this.#session(address)
        address = goaway.address
        // All its peers are told the same: they are not to come at the same moment.
        await this.#pause(clamped(goaway.reconnectAfterMs) * (1 + this.#options.timing.random()))
      } catch (error) {
        address = ''
        await this.#lost(error as Error)
      }
    }
  }

  /** Until the relay sends the peer away. @throws why there is no reservation any more */
  async #session(address: string): Promise<Goaway> {
    const { port, loggedIn } = await this.#options.open(address)
    const control = new Control(port, loggedIn, this.#options.events, this.#options.timing)
    try {
      if (this.#stopped) throw new PeerError('PEER_CLOSED', 'this side has closed it')
      await this.#reserve(control)
      this.#failures = 0
      this.#previous?.close()
      this.#control = control
      const goaway = await Promise.race([control.sentAway, ended(control)])
      if (isLasting(goaway)) throw sentAway(goaway)
      this.#previous = control
      return goaway
    } catch (error) {
      control.close(error as Error)
      throw error
    } finally {
      this.#cancelRefresh()
      this.#control = this.#held = undefined
    }
  }

  async #reserve(control: Control): Promise<void> {
    const { ttl = 0, events, timing } = this.#options
    const held = await within(control, ANSWER_MS, timing, () => control.reserve(ttl))
    this.#held = held
    this.#hasHeld = true
    events.held?.(held)
    const life = Math.max(held.ttl, 1) * 1000
    const wait = life * (REFRESH_AT + REFRESH_SPREAD * timing.random())
    this.#cancelRefresh = timing.after(wait, () => {
      this.#reserve(control).catch((error: Error) => control.close(error))
    })
  }

  async #lost(error: Error): Promise<void> {
    this.#previous?.close()
    this.#previous = undefined
    if (this.#stopped) return
    if (this.#isFinal(error)) throw error
    const { events, timing } = this.#options
    const most = Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS)
    const told = error instanceof PeerError ? clamped(error.retryAfter * 1000) : 0
    const wait = Math.max((most * (1 + timing.random())) / 2, told * (1 + timing.random() / 4))
    this.#failures++
    events.lost?.(error, wait)
    await this.#pause(wait)
  }

  #isFinal(error: Error): boolean {
    if (!(error instanceof PeerError)) return false
    // It is only thrown where it is lasting, and another process may have the same identity: to come back is to fight it.
    if (error.code === 'RELAY_GOAWAY') return error.status !== RELAY_STATUS.SHUTTING_DOWN
    if (this.#hasHeld) return false
    return error.code === 'RELAY_IDENTITY' || (error.code === 'RELAY_REFUSED' && LASTING.has(error.status))
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#options.timing.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** As long as a relay may have its peers wait. */
const clamped = (ms: number): number => Math.min(Math.max(ms, LEAST_TOLD_MS), MOST_TOLD_MS)

const ended = async (control: Control): Promise<never> => {
  throw await control.ended
}

const isLasting = ({ status, tryForMs }: Goaway): boolean =>
  status === RELAY_STATUS.REPLACED || tryForMs === 0
