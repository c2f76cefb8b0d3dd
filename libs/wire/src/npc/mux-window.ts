import { WindowGrowth } from '../window-growth.ts'
import { WireError } from '../wire-error.ts'

/** What either side may have outstanding before it hears otherwise. */
export const NPC_INITIAL_WINDOW: number = 30 * 4085
export const NPC_MIN_WINDOW: number = 256 * 1024
export const NPC_MAX_WINDOW: number = 4 * 1024 * 1024
/** By how much a sender may overshoot. */
export const NPC_WINDOW_SLACK: number = 64 * 1024

/** A window frame of one stream. */
export interface NpcAck {
  readonly read: number
  readonly max: number
}

/** What may be sent on one stream. */
export class NpcSendWindow {
  #outstanding = 0
  #max = NPC_INITIAL_WINDOW
  #ignored = 0

  /** Octets that may be sent now. */
  get room(): number {
    return Math.max(0, this.#max - this.#outstanding)
  }

  /** Octets on their way, or not yet read there. */
  get outstanding(): number {
    return this.#outstanding
  }

  /** Acknowledgements of more than was outstanding; they count for nothing. */
  get ignored(): number {
    return this.#ignored
  }

  sent(octets: number): void {
    this.#outstanding += octets
  }

  /** @returns whether there is room where there was none */
  acked({ read, max }: NpcAck): boolean {
    if (read > this.#outstanding) {
      this.#ignored += 1
      return false
    }
    const wasFull = this.room === 0
    this.#outstanding -= read
    this.#max = max
    return wasFull && this.room > 0
  }
}

/** What may come on one stream, and when to say that more may. Never acknowledges more than came. */
export class NpcReceiveWindow {
  readonly #growth: WindowGrowth
  #announced = NPC_INITIAL_WINDOW
  #buffered = 0
  #unacked = 0

  /** @param size at least {@link NPC_INITIAL_WINDOW}, which the peer starts from */
  constructor(size: number = NPC_MIN_WINDOW, max: number = NPC_MAX_WINDOW) {
    this.#growth = new WindowGrowth(Math.max(size, NPC_INITIAL_WINDOW), max)
  }

  /** Octets that came and were not consumed. */
  get buffered(): number {
    return this.#buffered
  }

  /** @throws WireError WIRE_TOO_LONG when the peer does not heed its window, but for {@link NPC_WINDOW_SLACK} */
  received(octets: number): void {
    this.#buffered += octets
    if (this.#buffered + this.#unacked > this.#announced + NPC_WINDOW_SLACK) {
      throw new WireError('WIRE_TOO_LONG', 'more than the window of a stream')
    }
  }

  /** At most what is buffered. @param nowMs of a clock that never goes back @param rttMs 0 while it is not known */
  consumed(octets: number, nowMs: number, rttMs: number): void {
    this.#buffered -= octets
    this.#unacked += octets
    this.#growth.consumed(octets, nowMs, rttMs)
  }

  /**
   * To be asked when the stream is open, and then once for each batch of frames.
   * @returns what to send now: when a quarter of the window was consumed, nothing is buffered, or the window has another size
   */
  takeAck(): NpcAck | undefined {
    const max = this.#growth.size
    const isDue = this.#unacked >= max / 4 || (this.#unacked > 0 && this.#buffered === 0)
    if (!isDue && max === this.#announced) return undefined
    const read = this.#unacked
    this.#unacked = 0
    this.#announced = max
    return { read, max }
  }
}
