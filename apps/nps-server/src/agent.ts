import type { Conn } from '@sluice/net'
import type { Address } from '@sluice/wire'

/** What a stream is for. */
export interface Link {
  /** Where the client shall dial: `host:port`, or a port of its own loopback. */
  readonly target: string
  readonly visitor: Address
  /** The client writes a PROXY header of the visitor and of where they came to in front of the payload. */
  readonly proxyHeader?: { readonly version: 1 | 2; readonly to: Address } | undefined
}

/** A folder at the client, to be served over HTTP/1.1. */
export interface FileLink {
  readonly path: string
  readonly stripPrefix: string
  readonly visitor: Address
}

/** Datagrams of one visitor, boundaries kept. Those that find no room are dropped. */
export interface DatagramLink {
  /** @returns whether it was taken; it may be used again at once. */
  send(payload: Uint8Array): boolean
  /** `payload` may be used until this returns. */
  onDatagram: (payload: Uint8Array) => void
  /** Once, whoever ended it; not after `close`. */
  onClose: (error: Error | undefined) => void
  close(): void
}

/** As {@link DatagramLink}, to and from many addresses. */
export interface PacketLink extends Omit<DatagramLink, 'send' | 'onDatagram'> {
  send(to: Address, payload: Uint8Array): boolean
  onDatagram: (from: Address, payload: Uint8Array) => void
}

/** A client program that is connected: it opens streams towards what it can reach. */
export interface Agent {
  readonly kind: 'native' | 'npc'
  readonly clientId: number
  /** Where the program comes from. */
  readonly remote: Address
  /** Wall clock, ms since 1970. */
  readonly since: number
  /** Of the program, as it says. */
  readonly version: string
  /** As last measured; 0: not yet. */
  readonly rttMs: number
  /** Open ones. */
  readonly streams: number
  readonly closed: boolean
  /**
   * A stream to a target. Bytes may be written at once.
   * @throws NetError DIAL_* and TARGET_DENIED as the client tells (npc cannot: its stream ends), ServiceError; the signal's reason
   */
  open(link: Link, signal: AbortSignal): Promise<Conn>
  /** A stream to the client's file server. @throws as `open` */
  openFiles(link: FileLink, signal: AbortSignal): Promise<Conn>
  /** @throws as `open` */
  openDatagrams(link: Link, signal: AbortSignal): Promise<DatagramLink>
  /** Of a SOCKS5 association. @throws as `open` */
  openPackets(visitor: Address, signal: AbortSignal): Promise<PacketLink>
  /** Asks the client to meet a peer over UDP (npc's p2p); nothing where it cannot. */
  meet?(server: Address, passwordMd5: string): void
  /** Ends it and all of its streams. @param why for the log, and for the program where there are words for it */
  close(why: string): void
}
