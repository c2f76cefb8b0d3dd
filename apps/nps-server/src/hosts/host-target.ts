import type { Address } from '@sluice/wire'
import type { LiveHost } from '../registry.ts'
import type { Tap } from './cache/tapped-conn.ts'

/** A target of a host: an address, and all that it takes to be led there through the client. */
export class HostTarget implements Address {
  readonly host: string
  readonly port: number
  readonly live: LiveHost
  /** Where the visitor came to. */
  readonly to: Address
  /** Who hears what it answers, where anything of that is kept. */
  readonly tap: Tap | undefined

  constructor(live: LiveHost, { host, port }: Address, to: Address, tap?: Tap) {
    this.host = host
    this.port = port
    this.live = live
    this.to = to
    this.tap = tap
  }

  /** The same for those that one conn may serve. */
  get key(): string {
    const { id, proxyHeader = 0 } = this.live.record
    return `${id} ${proxyHeader} ${this.host} ${this.port}${this.tap === undefined ? '' : ' tapped'}`
  }
}
