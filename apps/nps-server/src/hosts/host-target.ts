import type { Address } from '@sluice/wire'
import type { LiveHost } from '../registry.ts'
import type { Tap } from './cache/tapped-conn.ts'
import type { Picked } from '../target-picker.ts'

/** A target of a host: an address, and all that it takes to be led there through the client. */
export class HostTarget implements Address {
  readonly live: LiveHost
  /** Says where it goes now, which may be elsewhere after the dial. */
  readonly picked: Picked
  /** Where the visitor came to. */
  readonly to: Address
  /** Who hears what it answers, where anything of that is kept. */
  readonly tap: Tap | undefined

  constructor(live: LiveHost, picked: Picked, to: Address, tap?: Tap) {
    this.live = live
    this.picked = picked
    this.to = to
    this.tap = tap
  }

  get host(): string {
    return this.picked.address.host
  }

  get port(): number {
    return this.picked.address.port
  }

  /** The same for those that one conn may serve. */
  get key(): string {
    const { id, proxyHeader = 0 } = this.live.record
    return `${id} ${proxyHeader} ${this.host} ${this.port}${this.tap === undefined ? '' : ' tapped'}`
  }
}
