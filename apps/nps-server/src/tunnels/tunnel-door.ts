import { errnoOf } from '@sluice/net'
import type { Clock, Timer } from '@sluice/ratelimit'
import type { Log } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import type { LiveTunnel } from '../registry.ts'
import { isSamePlace, NOWHERE, type Place } from './tunnel-place.ts'

/** A port that cannot be had is tried for again after so long. */
export const RETRY_MS = 5000

export interface TunnelDoorOptions {
  readonly tunnel: LiveTunnel
  /** @throws the system's error */
  readonly open: (address: Address) => Promise<{ close(): void }>
  readonly log: Log
  readonly clock: Clock
}

/** The listener of one tunnel, wherever it is to be at the time. */
export class TunnelDoor {
  readonly tunnel: LiveTunnel
  readonly #options: TunnelDoorOptions
  #wanted: Place = NOWHERE
  /** Where it is, or has failed to be. */
  #tried: Place = NOWHERE
  #listener: { close(): void } | undefined = undefined
  #working: Promise<void> = Promise.resolve()
  #retry: Timer | undefined = undefined
  #errno: string | undefined = undefined

  constructor(options: TunnelDoorOptions) {
    this.tunnel = options.tunnel
    this.#options = options
  }

  /** Leaves where it is, at once, unless that is where it is to be. Resolves when it is open there, or has failed to be. */
  move(place: Place): Promise<void> {
    if (isSamePlace(place, this.#wanted)) return this.#working
    this.#wanted = place
    this.#errno = undefined
    this.tunnel.problem = place.problem
    if (place.problem !== undefined) this.#tell({ why: place.problem })
    this.#leave()
    return this.#work()
  }

  close(): void {
    void this.move(NOWHERE)
  }

  /** Tries no more; a listener that is open is left to the program. */
  stop(): void {
    this.#retry?.cancel()
    this.#wanted = this.#tried = NOWHERE
  }

  #work(): Promise<void> {
    this.#working = this.#working.then(() => this.#enter())
    return this.#working
  }

  async #enter(): Promise<void> {
    const place = this.#wanted
    if (place === this.#tried) return
    this.#tried = place
    const { address } = place
    if (address === undefined) return
    try {
      const listener = await this.#options.open(address)
      if (this.#wanted === place) this.#opened(listener)
      else listener.close()
    } catch (error) {
      if (this.#wanted === place) this.#failed(address, errnoOf(error))
    }
  }

  #opened(listener: { close(): void }): void {
    this.#listener = listener
    this.#errno = undefined
    this.tunnel.problem = undefined
  }

  #failed(address: Address, errno: string): void {
    this.tunnel.problem = `cannot listen on ${formatAddress(address)}: ${errno}`
    if (errno !== this.#errno) this.#tell({ ...address, errno })
    this.#errno = errno
    this.#retry = this.#options.clock.after(RETRY_MS, () => {
      this.#tried = NOWHERE
      void this.#work()
    })
  }

  #tell(fields: object): void {
    this.#options.log.warn({ tunnel: this.tunnel.record.id, ...fields }, 'tunnel.unavailable')
  }

  #leave(): void {
    this.#retry?.cancel()
    this.#listener?.close()
    this.#listener = undefined
  }
}
