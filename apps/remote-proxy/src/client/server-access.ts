import type { TlsDialOptions } from '@sluice/net'
import type { Address, Credentials } from '@sluice/wire'

/** How to get in at the server: in the clear by the `sumbit:` line, or over TLS by SOCKS5 with name and password. */
export type ServerAccess = { readonly server: Address } & (
  | { readonly line: Uint8Array; readonly tls?: never }
  | { readonly credentials: Credentials; readonly tls: TlsDialOptions }
)
