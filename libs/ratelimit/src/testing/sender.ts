import type { Clock } from '../clock.ts'
import type { Direction, ShapedFlow } from '../shaped-flow.ts'
import type { Share } from '../share.ts'
import type { Meter } from './meter.ts'

export interface SenderOptions {
  /** @default 'down' */
  readonly direction?: Direction
  /** Bytes that it reads at a time, and asks for. @default 65536 */
  readonly chunk?: number
  /** How many ms later it has the next chunk; 0: in the next turn of the event loop, 'sync': at once. @default 'sync' */
  readonly again?: number | 'sync'
  readonly meters?: readonly Meter[]
}

/** Has always more to send: one lane of a relay, as the shaper sees it. */
export class Sender {
  /** All that it was granted. */
  bytes = 0
  grants = 0
  waiting = false
  readonly flow: ShapedFlow
  readonly #clock: Clock
  readonly #chunk: number
  readonly #again: number | 'sync'
  readonly #meters: readonly Meter[]
  #left: number
  #closed = false

  constructor(share: Share, clock: Clock, options: SenderOptions = {}) {
    this.#clock = clock
    this.#left = this.#chunk = options.chunk ?? 65_536
    this.#again = options.again ?? 'sync'
    this.#meters = options.meters ?? []
    this.flow = share.flow(options.direction ?? 'down', (bytes) => {
      if (!this.waiting) throw new Error('granted what was not waited for')
      this.#take(bytes)
      this.#goOn()
    })
    this.#ask()
  }

  close(): void {
    this.#closed = true
    this.flow.close()
  }

  #ask(): void {
    while (!this.#closed) {
      this.waiting = true
      const bytes = this.flow.take(this.#left)
      if (bytes === 0) return
      this.#take(bytes)
      if (this.#left === this.#chunk && this.#again !== 'sync') return this.#goOn()
    }
  }

  #goOn(): void {
    if (this.#left < this.#chunk || this.#again === 'sync') this.#ask()
    else this.#clock.after(this.#again, () => this.#ask())
  }

  #take(bytes: number): void {
    if (this.#closed) throw new Error('granted after its close')
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > this.#left)
      throw new Error(`granted ${bytes} of ${this.#left}`)
    this.waiting = false
    this.bytes += bytes
    this.grants++
    this.#left = this.#left === bytes ? this.#chunk : this.#left - bytes
    for (const meter of this.#meters) meter.add(bytes)
  }
}
