import type { Conn } from '@sluice/net'
import type { StreamHeader } from '@sluice/wire/bridge'

export interface FileServer {
  /** Answers a stream, and serves it until it closes. */
  serve(stream: Conn, header: Extract<StreamHeader, { type: 'file' }>): Promise<void>
}
