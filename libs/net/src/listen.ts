import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Address } from '@sluice/wire'
import type { Conn } from './conn.ts'
import { acceptedConn, CONN_OPTIONS } from './socket-conn.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 takes a free one; see {@link Listener.address}. */
  readonly port: number
  readonly onConn: (conn: Conn) => void
  /** The listener goes on whatever happens here (EMFILE, ECONNABORTED, …). */
  readonly onError: (error: Error) => void
  /** @default 65,535; the kernel caps it at net.core.somaxconn */
  readonly backlog?: number
}

export interface Listener {
  readonly address: Address
  /** Accepts no more; conns that are there go on. */
  close(): void
}

/** @throws the system error with which binding failed (EADDRINUSE, EACCES, EADDRNOTAVAIL, …) */
export const listen = (options: ListenOptions): Promise<Listener> =>
  new Promise((resolve, reject) => {
    const server = createServer(CONN_OPTIONS, (socket: Socket) => options.onConn(acceptedConn(socket)))
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, backlog: options.backlog ?? 65_535 }, () => {
      server.off('error', reject)
      server.on('error', options.onError)
      const { address: host, port } = server.address() as AddressInfo
      resolve({ address: { host, port }, close: () => server.close() })
    })
  })
