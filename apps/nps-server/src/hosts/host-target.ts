import { type Address, parseAddress } from '@sluice/wire'
import type { LiveHost } from '../registry.ts'

/** A target of a host: an address, and all that it takes to dial it through the client. */
export class HostTarget implements Address {
  readonly host: string
  readonly port: number
  readonly live: LiveHost
  /** As the client knows it. */
  readonly written: string
  /** Where the visitor came to. */
  readonly to: Address

  constructor(live: LiveHost, written: string, to: Address) {
    const { host, port } = addressOf(written)
    this.host = host
    this.port = port
    this.live = live
    this.written = written
    this.to = to
  }

  /** Same for targets that may be reached over one conn. */
  get key(): string {
    const { id, proxyHeader = 0 } = this.live.record
    return `${id} ${proxyHeader} ${this.written}`
  }
}

/** A port alone is one of the client's loopback. */
const addressOf = (written: string): Address => {
  if (/^\d+$/.test(written)) return { host: '127.0.0.1', port: Number(written) }
  try {
    return parseAddress(written)
  } catch {
    // Whether it can be reached is the client's to say.
    return { host: written, port: 0 }
  }
}
