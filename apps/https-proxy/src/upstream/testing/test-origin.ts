import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type Authority, createAuthority, type Identity } from './certificates.ts'

export const authority: Authority = createAuthority()
export const identity: Identity = authority.issue('localhost', 'origin.test', '127.0.0.1')

/** A server of Node's own on a port that was free. */
export class TestOrigin implements AsyncDisposable {
  readonly port: number
  /** Connections so far. */
  conns = 0
  readonly #server: Server | Http2SecureServer
  readonly #open = new Set<Socket>()

  private constructor(server: Server | Http2SecureServer) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket: Socket) => {
      this.conns += 1
      this.#open.add(socket.on('close', () => this.#open.delete(socket)))
    })
  }

  static async plain(listener: RequestListener): Promise<TestOrigin> {
    return TestOrigin.#over(createServer({ keepAliveTimeout: 0, requireHostHeader: false }, listener))
  }

  static async secure(listener: RequestListener, options: ServerOptions = {}): Promise<TestOrigin> {
    return TestOrigin.#over(createTlsServer({ ...identity, keepAliveTimeout: 0, ...options }, listener))
  }

  /** HTTP/2, with the request and response objects of HTTP/1.1. */
  static async h2(listener: RequestListener): Promise<TestOrigin> {
    return TestOrigin.#over(createSecureServer({ ...identity, allowHTTP1: false }, listener as never))
  }

  static async #over(server: Server | Http2SecureServer): Promise<TestOrigin> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TestOrigin(server)
  }

  get server(): Server | Http2SecureServer {
    return this.#server
  }

  /** Ends all conns without a word, as a process that dies does. */
  hangUp(): void {
    for (const socket of this.#open) socket.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
