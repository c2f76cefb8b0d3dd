import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const MIB: number = 1024 * 1024

/** Bytes that tell where they belong. */
export const blocks = function* (bytes: number): Iterable<Buffer> {
  for (let at = 0; at < bytes; at += 64 * 1024) yield Buffer.alloc(Math.min(64 * 1024, bytes - at), at % 251)
}

export const hashOf = async (stream: AsyncIterable<unknown>): Promise<string> => {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** Servers of Node's as targets, for as long as a test lasts. */
export class Origins {
  readonly #servers: Server[] = []

  /** @param answer may fail where its visitor leaves @returns where it is */
  async serve(answer: (asked: IncomingMessage, reply: ServerResponse) => unknown): Promise<string> {
    const server = createServer((asked, reply) => {
      Promise.resolve(answer(asked, reply)).catch(() => {})
    })
    this.#servers.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  close(): void {
    for (const server of this.#servers.splice(0)) {
      server.close()
      server.closeAllConnections()
    }
  }
}
