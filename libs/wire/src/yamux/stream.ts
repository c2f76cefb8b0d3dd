import { WindowGrowth } from '../window-growth.ts'
import { WireError } from '../wire-error.ts'
import { YAMUX_FLAG } from './frame.ts'

/** What either side may send on a new stream. */
export const YAMUX_INITIAL_WINDOW: number = 256 * 1024
export const YAMUX_MAX_WINDOW: number = 4 * 1024 * 1024

/** Of the windows for what comes in, in octets. */
export interface YamuxStreamOptions {
  /** Who opens a stream sends SYN with its first frame, the other side ACK. */
  readonly isOpener: boolean
  /** At least {@link YAMUX_INITIAL_WINDOW}, which the peer starts from. */
  readonly window?: number
  readonly maxWindow?: number
}

/**
 * One stream of a session: which flags go with its next frame, how much may be sent, what may come, and when it has ended.
 *
 * A reset is a window frame with RST whose delta says why; others who speak yamux pass that over, as they do with windows of
 * streams that have ended.
 */
export class YamuxStream {
  readonly #growth: WindowGrowth
  /** SYN or ACK, until a frame took it. */
  #firstFlag: number
  #isAccepted: boolean
  /** Of the peer: SYN once when it is the opener, ACK when it is not. */
  #allowedFlag: number
  #sendRoom = YAMUX_INITIAL_WINDOW
  /** What the peer may still send. */
  #credit = YAMUX_INITIAL_WINDOW
  #buffered = 0
  #hasFinished = false
  #peerHasFinished = false
  #resetCode: number | undefined

  constructor({ isOpener, window = YAMUX_INITIAL_WINDOW, maxWindow = YAMUX_MAX_WINDOW }: YamuxStreamOptions) {
    this.#firstFlag = isOpener ? YAMUX_FLAG.SYN : YAMUX_FLAG.ACK
    this.#allowedFlag = isOpener ? YAMUX_FLAG.ACK : YAMUX_FLAG.SYN
    this.#isAccepted = !isOpener
    this.#growth = new WindowGrowth(Math.max(window, YAMUX_INITIAL_WINDOW), maxWindow)
  }

  /** Octets that may be sent now: none after `finish` and after a reset. */
  get sendRoom(): number {
    return this.#hasFinished || this.isReset ? 0 : this.#sendRoom
  }

  /** Octets that came and were not consumed. */
  get buffered(): number {
    return this.#buffered
  }

  /** Whether the acceptor is known to have it. Data may be sent before. */
  get isAccepted(): boolean {
    return this.#isAccepted
  }

  get hasFinished(): boolean {
    return this.#hasFinished
  }

  /** Nothing more will come; what is buffered still counts. */
  get peerHasFinished(): boolean {
    return this.#peerHasFinished
  }

  get isReset(): boolean {
    return this.#resetCode !== undefined
  }

  /** What either side gave as its reason, 0 for none; undefined while nobody has reset it. */
  get resetCode(): number | undefined {
    return this.#resetCode
  }

  /** Its id may be forgotten. */
  get isClosed(): boolean {
    return this.isReset || (this.#hasFinished && this.#peerHasFinished)
  }

  /** For the next frame of this stream, which must then be sent. */
  takeFlags(): number {
    const flag = this.#firstFlag
    this.#firstFlag = 0
    return flag
  }

  /** At most `sendRoom`. */
  sent(octets: number): void {
    this.#sendRoom -= octets
  }

  /** Half-close: the caller sends FIN with its last frame, or with an empty one. */
  finish(): void {
    this.#hasFinished = true
  }

  /** The caller sends a window frame with RST and the code as its delta. */
  reset(code: number): void {
    this.#resetCode ??= code
  }

  /**
   * A piece of a data frame came.
   * @throws WireError WIRE_TOO_LONG when it is more than the window, WIRE_VALUE after the end or at flags that cannot be
   */
  receivedData(flags: number, octets: number): void {
    if (octets > this.#credit) throw new WireError('WIRE_TOO_LONG', 'more than the window of a stream')
    if (octets > 0 && this.#peerHasFinished)
      throw new WireError('WIRE_VALUE', 'data behind the end of a stream')
    this.#credit -= octets
    this.#buffered += octets
    this.#takeFlags(flags, 0)
  }

  /**
   * A window frame came.
   * @returns whether there is room to send where there was none
   * @throws WireError WIRE_TOO_LONG when the window passes 2^32 - 1, WIRE_VALUE at flags that cannot be
   */
  receivedWindow(flags: number, delta: number): boolean {
    if ((flags & YAMUX_FLAG.RST) === 0) {
      if (this.#sendRoom + delta > 0xffff_ffff)
        throw new WireError('WIRE_TOO_LONG', 'a window of 2^32 octets')
      this.#sendRoom += delta
    }
    this.#takeFlags(flags, delta)
    return delta > 0 && this.#sendRoom === delta && this.sendRoom > 0
  }

  /** At most what is buffered. @param nowMs of a clock that never goes back @param rttMs 0 while it is not known */
  consumed(octets: number, nowMs: number, rttMs: number): void {
    this.#buffered -= octets
    this.#growth.consumed(octets, nowMs, rttMs)
  }

  /**
   * To be asked once for each batch of frames.
   * @returns the delta of a window frame to send now: when it is a quarter of the window or more
   */
  takeWindow(): number | undefined {
    if (this.#peerHasFinished || this.isReset) return undefined
    const size = this.#growth.size
    const delta = size - this.#buffered - this.#credit
    if (delta < size / 4) return undefined
    this.#credit += delta
    return delta
  }

  #takeFlags(flags: number, code: number): void {
    const first = flags & (YAMUX_FLAG.SYN | YAMUX_FLAG.ACK)
    if (first !== 0) {
      if (first !== this.#allowedFlag) throw new WireError('WIRE_VALUE', 'SYN or ACK where it cannot be')
      this.#allowedFlag = 0
      this.#isAccepted = true
    }
    if ((flags & YAMUX_FLAG.FIN) !== 0) this.#peerHasFinished = true
    if ((flags & YAMUX_FLAG.RST) !== 0) this.#resetCode ??= code
  }
}
