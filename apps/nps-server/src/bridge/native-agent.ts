import type { Conn } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import type { BridgeInfo, StreamHeader } from '@sluice/wire/bridge'
import type { Agent, DatagramLink, FileLink, Link, PacketLink } from '../agent.ts'
import type { YamuxMux } from '../mux/index.ts'
import { openStream } from './open-stream.ts'
import { StreamDatagramLink, StreamPacketLink } from './stream-links.ts'

export interface NativeAgentOptions {
  readonly clientId: number
  /** What it came in by, as the client's record has it. */
  readonly publicKey: string
  readonly info: BridgeInfo
  readonly remote: Address
  /** Wall clock, ms since 1970. */
  readonly since: number
}

/** A client program at the native bridge. */
export class NativeAgent implements Agent {
  readonly kind = 'native'
  readonly clientId: number
  readonly publicKey: string
  readonly remote: Address
  readonly since: number
  readonly info: BridgeInfo
  readonly #mux: Pick<YamuxMux, 'open' | 'close' | 'streams' | 'rttMs' | 'closed'>
  #leaving = false

  constructor({ clientId, publicKey, info, remote, since }: NativeAgentOptions, mux: YamuxMux) {
    this.clientId = clientId
    this.publicKey = publicKey
    this.info = info
    this.remote = remote
    this.since = since
    this.#mux = mux
  }

  get version(): string {
    return this.info.version
  }

  get rttMs(): number {
    return this.#mux.rttMs
  }

  get streams(): number {
    return this.#mux.streams
  }

  get closed(): boolean {
    return this.#mux.closed
  }

  open({ target, visitor, proxyHeader }: Link, signal: AbortSignal): Promise<Conn> {
    const proxy = proxyHeader && { version: proxyHeader.version, to: formatAddress(proxyHeader.to) }
    return this.#open({ type: 'tcp', target, visitor: formatAddress(visitor), proxy }, signal)
  }

  openFiles({ path, stripPrefix, visitor }: FileLink, signal: AbortSignal): Promise<Conn> {
    return this.#open({ type: 'file', path, strip: stripPrefix, visitor: formatAddress(visitor) }, signal)
  }

  async openDatagrams({ target, visitor }: Link, signal: AbortSignal): Promise<DatagramLink> {
    const header = { type: 'udp', target, visitor: formatAddress(visitor) } as const
    return new StreamDatagramLink(await this.#open(header, signal))
  }

  async openPackets(visitor: Address, signal: AbortSignal): Promise<PacketLink> {
    const header = { type: 'packets', visitor: formatAddress(visitor) } as const
    return new StreamPacketLink(await this.#open(header, signal))
  }

  close(why: string): void {
    this.shut(new ServiceError('ADMIN_CLOSED', why))
  }

  /** @param error what its streams are told, and what its session ends with; none is an ordinary end */
  shut(error: Error | undefined): void {
    this.#mux.close(error)
  }

  /** It gets no more streams; it ends with the last of those that are open. */
  leave(): void {
    if (this.#leaving || this.#mux.closed) return
    this.#leaving = true
    const look = (): void => {
      if (this.#mux.streams === 0) this.shut(undefined)
      else if (!this.#mux.closed) setTimeout(look, LOOK_MS).unref()
    }
    look()
  }

  async #open(header: StreamHeader, signal: AbortSignal): Promise<Conn> {
    signal.throwIfAborted()
    if (this.#leaving) throw new ServiceError('AGENT_OFFLINE', 'the client program is leaving')
    return openStream(this.#mux.open(), header, signal)
  }
}

const LOOK_MS = 50
