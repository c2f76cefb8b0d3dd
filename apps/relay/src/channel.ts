import type { Conn, Reader } from '@sluice/net'
import type { Address } from '@sluice/wire'
import type { RelayTransport } from '@sluice/wire/relay'

/** A conn whose frames can be read, and what its transport says of it. */
export interface Channel {
  readonly reader: Reader
  /** Carries the frames, and the payload behind them; that of the reader. */
  readonly conn: Conn
  readonly client: Address
  readonly transport: RelayTransport
  /** Keying material of the TLS below, 32 octets; undefined where there is none of ours. */
  readonly binding: Uint8Array | undefined
  /** The raw Ed25519 key of the certificate that the peer has shown. */
  readonly clientKey: Uint8Array | undefined
}
