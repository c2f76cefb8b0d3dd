import type { Conn, Reader } from '@sluice/net'
import { WsConn } from '@sluice/net/ws'
import type { Address } from '@sluice/wire'

/** A conn whose frames can be read, and what its transport says of it. */
export interface Channel {
  readonly reader: Reader
  /** Carries the frames, and the payload behind them; that of the reader. */
  readonly conn: Conn
  readonly client: Address
  /** Keying material of the TLS below, 32 octets, once something has come over it; undefined where there is none. */
  readonly binding: () => Uint8Array | undefined
  /** The raw Ed25519 key of the certificate that the peer has shown, once something has come. */
  readonly clientKey: () => Uint8Array | undefined
  /** An access token that came before all frames. */
  readonly token: Uint8Array | undefined
}

/** When the peer has had its time to read why a conn was reset, where its transport has words for that. */
export const parted = (conn: Conn): Promise<void> => (conn instanceof WsConn ? conn.gone : Promise.resolve())
