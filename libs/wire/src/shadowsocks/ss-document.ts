import type { SsServer } from './ss-uri.ts'

/** A server in an SIP008 document. */
export interface SsDocumentServer extends SsServer {
  /** A UUID that stays the same while the server does. */
  readonly id: string
}

/** What an SIP008 document tells a client about its user. */
export interface SsDocumentInput {
  readonly servers: readonly SsDocumentServer[]
  /** Whole bytes of the period so far. */
  readonly used?: number | undefined
  /** Whole bytes left; left out where there is no quota, and unless `used` is there. */
  readonly remaining?: number | undefined
}

/** A configuration that clients fetch (SIP008), to be written as JSON. */
export interface SsDocument {
  readonly version: 1
  readonly servers: readonly SsDocumentEntry[]
  readonly bytes_used?: number
  readonly bytes_remaining?: number
}

/** One server, in the words of SIP008. */
export interface SsDocumentEntry {
  readonly id: string
  readonly remarks: string
  readonly server: string
  readonly server_port: number
  readonly password: string
  readonly method: string
  readonly plugin?: string
  readonly plugin_opts?: string
}

/** With what a document is sent (SIP008). */
export const SS_DOCUMENT_TYPE = 'application/json; charset=utf-8'

/** The SIP008 document of these servers. */
export function ssDocument({ servers, used, remaining }: SsDocumentInput): SsDocument {
  return {
    version: 1,
    servers: servers.map(entryOf),
    ...(used !== undefined && { bytes_used: used }),
    ...(used !== undefined && remaining !== undefined && { bytes_remaining: Math.max(0, remaining) }),
  }
}

const entryOf = ({ id, method, secret, address, tag, plugin }: SsDocumentServer): SsDocumentEntry => ({
  id,
  remarks: tag ?? '',
  server: address.host,
  server_port: address.port,
  password: secret,
  method,
  ...(plugin && { plugin: plugin.name, plugin_opts: plugin.options }),
})
