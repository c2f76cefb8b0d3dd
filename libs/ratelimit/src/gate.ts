import { checkAmount } from './check.ts'
import { systemClock, type Clock, type Timer } from './clock.ts'
import { GateError } from './gate-error.ts'
import { WaitingRoom, type Waiter } from './waiting-room.ts'

/** The bounds of a {@link Gate}. Infinity: none. */
export type GateLimits = {
  /** How many may be inside at once; 0: nobody gets in until it is raised. */
  readonly slots: number
  /** How many may wait; 0: whoever finds no free slot is refused at once. */
  readonly maxWaiting: number
  /** The most that all who wait may cost together, in bytes. */
  readonly maxWaitingBytes: number
  /** How many may wait under one key, so that one key cannot fill the room. Infinity unless given. */
  readonly maxWaitingPerKey?: number
  /** How long anyone waits, at most. Above 0. */
  readonly timeoutMs: number
}

/** What a {@link Gate} is made of. */
export type GateOptions = GateLimits & {
  /** Where time comes from; the system's clock unless given. */
  readonly clock?: Clock
}

/** Who comes to a {@link Gate}. */
export type EnterOptions = {
  /** Bytes held while waiting, counted against `maxWaitingBytes`; 0 unless given. */
  readonly cost?: number
  /** The key's share beside other keys that wait, 1 or more; 1 unless given. The one given last counts. */
  readonly weight?: number
  /** Aborting it leaves the waiting room. Once inside it means nothing: leaving is the caller's. */
  readonly signal?: AbortSignal
}

/**
 * Lets a bounded number in at once, and a bounded number wait for it.
 *
 * Free slots go to keys in deficit round robin: while several wait, they get slots in proportion to their
 * weights, however many wait under each. Under one key it is first come, first served. Deadlines are looked at
 * by a timer and again whenever a slot comes free, so nobody gets one too late. There is one timer, and none
 * when nobody waits.
 */
export class Gate {
  readonly #clock: Clock
  readonly #room = new WaitingRoom()
  #limits: Required<GateLimits>
  #timer: Timer | undefined
  #running = 0
  #closed = false

  /** @throws RangeError for a limit that is negative or NaN, and for a timeout of 0 */
  constructor(options: GateOptions) {
    const { clock = systemClock, ...limits } = options
    this.#clock = clock
    this.#limits = checked({ maxWaitingPerKey: Infinity, ...limits })
  }

  /** How many are inside. */
  get running(): number {
    return this.#running
  }

  /** How many wait. */
  get waiting(): number {
    return this.#room.size
  }

  /** What all who wait cost together. */
  get waitingBytes(): number {
    return this.#room.bytes
  }

  /**
   * A slot, at once or when its turn comes. Disposing it leaves; doing so again does nothing.
   * @throws GateError GATE_FULL, GATE_TIMEOUT, GATE_CLOSED; the signal's reason when it aborts first;
   * RangeError for a weight below 1 or a cost below 0
   */
  async enter(key: string, options: EnterOptions = {}): Promise<Disposable> {
    const { cost = 0, weight = 1, signal } = options
    checkAmount('cost', cost)
    checkAmount('weight', weight, { least: 1 })
    signal?.throwIfAborted()
    if (this.#closed) throw closedError()
    if (this.#running < this.#limits.slots) return this.#slot()
    this.#dropExpired()
    this.#checkRoom(key, cost)
    return this.#wait(key, cost, weight, signal)
  }

  /**
   * Other bounds from now on. Nobody is sent away for fewer places: those inside leave when they do, those who
   * wait go on waiting. A new timeout counts from when they came, and holds for them too.
   * @throws RangeError as the constructor
   */
  set(limits: Partial<GateLimits>): void {
    this.#limits = checked({ ...this.#limits, ...limits })
    this.#stopTimer()
    this.#fill()
  }

  /** Refuses all who wait and all who come. Those inside are not touched. */
  close(): void {
    this.#closed = true
    for (let waiter = this.#room.oldest; waiter; waiter = this.#room.oldest)
      this.#refuse(waiter, closedError())
  }

  #slot(): Disposable {
    this.#running++
    let inside = true
    const leave = (): void => {
      if (!inside) return
      inside = false
      this.#running--
      this.#fill()
    }
    return { [Symbol.dispose]: leave }
  }

  #checkRoom(key: string, cost: number): void {
    const { maxWaiting, maxWaitingBytes, maxWaitingPerKey } = this.#limits
    const { size, bytes } = this.#room
    const ofKey = this.#room.sizeOf(key)
    if (size >= maxWaiting) throw full(`${size} wait, and at most ${maxWaiting} may`)
    if (ofKey >= maxWaitingPerKey)
      throw full(`${ofKey} of this key wait, and at most ${maxWaitingPerKey} may`)
    if (bytes + cost > maxWaitingBytes) {
      throw full(`${bytes} bytes wait, ${cost} came, and at most ${maxWaitingBytes} may wait`)
    }
  }

  #wait(key: string, cost: number, weight: number, signal?: AbortSignal): Promise<Disposable> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#refuse(waiter, signal?.reason)
      const settle = (slot: Disposable | undefined, reason?: unknown): void => {
        signal?.removeEventListener('abort', onAbort)
        if (slot) resolve(slot)
        else reject(reason)
      }
      const waiter = this.#room.add(key, weight, { since: this.#clock.now(), cost, settle })
      signal?.addEventListener('abort', onAbort)
      this.#startTimer()
    })
  }

  #refuse(waiter: Waiter, reason: unknown): void {
    this.#room.remove(waiter)
    waiter.settle(undefined, reason)
    if (this.#room.size === 0) this.#stopTimer()
  }

  #fill(): void {
    this.#dropExpired()
    while (this.#running < this.#limits.slots) {
      const waiter = this.#room.next()
      if (!waiter) break
      waiter.settle(this.#slot())
    }
    if (this.#room.size === 0) this.#stopTimer()
    else this.#startTimer()
  }

  #dropExpired(): void {
    const { timeoutMs } = this.#limits
    const latest = this.#clock.now() - timeoutMs
    for (let waiter = this.#room.oldest; waiter && waiter.since <= latest; waiter = this.#room.oldest) {
      this.#refuse(waiter, new GateError('GATE_TIMEOUT', `no slot came free in ${timeoutMs} ms`))
    }
  }

  #startTimer(): void {
    const { oldest } = this.#room
    if (!oldest || this.#timer) return
    const leftMs = oldest.since + this.#limits.timeoutMs - this.#clock.now()
    // Timers round: one that came a hair early must not be set for no time at all, again and again.
    this.#timer = this.#clock.after(Math.max(1, leftMs), () => {
      this.#timer = undefined
      this.#dropExpired()
      this.#startTimer()
    })
  }

  #stopTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}

function full(message: string): GateError {
  return new GateError('GATE_FULL', message)
}

function closedError(): GateError {
  return new GateError('GATE_CLOSED', 'the gate is closed')
}

function checked(limits: Required<GateLimits>): Required<GateLimits> {
  for (const [name, value] of Object.entries(limits)) checkAmount(name, value, { most: Infinity })
  if (limits.timeoutMs === 0) throw new RangeError('timeoutMs must be above 0')
  return limits
}
