import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { decodePreamble, encodePreamble, type HttpField } from '@sluice/wire'

/** A request as a server got it. */
export interface Got {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** What was said in front of the body. */
  readonly preamble: unknown
  readonly body: Buffer
}

/** What answers a request to the API, by the test's rules. */
export type Answer = (got: Got, reply: ServerResponse) => void

export interface FakeServer extends Disposable {
  readonly at: string
  readonly port: number
  /** Requests so far. */
  readonly all: readonly Got[]
  /** Connections so far. */
  readonly conns: number
}

/** Says what an origin said: preamble, body, trailers. */
export const say = (
  reply: ServerResponse,
  words: { status?: number; headers?: readonly HttpField[]; url?: string; cached?: boolean },
  body: string | Uint8Array = '',
  trailers: readonly HttpField[] = [],
): void => {
  const { status = 200, headers = [], url = 'http://a/', cached = false } = words
  reply.writeHead(200, {
    'Content-Type': 'application/vnd.sluice.response',
    'Sluice-Request-Id': 'id-1',
    Trailer: 'Sluice-Target-Trailers',
  })
  reply.write(encodePreamble(JSON.stringify({ status, headers, url, cached })))
  if (body.length > 0) reply.write(body)
  const packed = Buffer.from(JSON.stringify(trailers)).toString('base64')
  if (trailers.length > 0) reply.addTrailers({ 'Sluice-Target-Trailers': packed })
  reply.end()
}

/** Says why not, as a server does. */
export const complain = (reply: ServerResponse, status: number, problem: object): void => {
  reply.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(problem))
}

export const fakeServer = async (
  answer: Answer,
  tls?: { readonly cert: string | Buffer; readonly key: string | Buffer },
): Promise<FakeServer> => {
  const all: Got[] = []
  let conns = 0
  const answered = async (message: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const got = await readAll(message).catch(() => undefined)
    if (got === undefined) return
    all.push(got)
    answer(got, reply)
  }
  const onRequest = (message: IncomingMessage, reply: ServerResponse): void => {
    void answered(message, reply)
  }
  const server: Server = tls === undefined ? createServer(onRequest) : createSecureServer(tls, onRequest)
  const sockets = new Set<Disposable>()
  server.on('connection', (socket) => {
    conns += 1
    sockets.add({ [Symbol.dispose]: () => socket.destroy() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    at: `127.0.0.1:${port}`,
    port,
    all,
    get conns() {
      return conns
    },
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of sockets) socket[Symbol.dispose]()
    },
  }
}

const readAll = async (message: IncomingMessage): Promise<Got> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of message as AsyncIterable<Uint8Array>) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const decoded = decodePreamble(bytes)!
  return {
    method: message.method ?? '',
    path: message.url ?? '',
    headers: message.headers,
    preamble: JSON.parse(decoded.value),
    body: bytes.subarray(decoded.size),
  }
}
