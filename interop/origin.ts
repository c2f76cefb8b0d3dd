import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { run } from './process.ts'

/** Something on loopback that is there to be reached through a proxy. */
export interface Origin extends Disposable {
  readonly port: number
}

/** What `GET` gives; `PUT` gives the body back that it was sent. */
export const BODY: Buffer = randomBytes(3_000_000)

const answer: RequestListener = (request, response) => {
  if (request.method === 'PUT') request.pipe(response)
  else response.end(BODY)
}

const opened = async (server: Server, host: string, wanted = 0): Promise<Origin> => {
  server.listen(wanted, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, [Symbol.dispose]: () => server.close() }
}

export const httpOrigin = (host = '127.0.0.1'): Promise<Origin> => opened(createHttp(answer), host)

/** Answers with the address that it was asked from. */
export const mirrorOrigin = (host: string): Promise<Origin> =>
  opened(
    createHttp((request, response) => response.end(request.socket.remoteAddress)),
    host,
  )

/** With a certificate of its own for `localhost` and 127.0.0.1, in `folder`/origin.crt; it does not listen yet. */
export const secureServer = async (folder: string, listener: RequestListener): Promise<Server> => {
  const [key, cert] = [join(folder, 'origin.key'), join(folder, 'origin.crt')]
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const made = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost`
  const { status, stderr } = await run('openssl', [
    ...made.split(' '),
    '-addext',
    names,
    '-keyout',
    key,
    '-out',
    cert,
  ])
  if (status !== 0) throw new Error(stderr)
  return createHttps({ key: readFileSync(key), cert: readFileSync(cert) }, listener)
}

export const httpsOrigin = async (folder: string): Promise<Origin> =>
  opened(await secureServer(folder, answer), '127.0.0.1')

/** Echoes each byte, and the end. */
export const echoOrigin = (): Promise<Origin> => tcpOrigin((socket) => void socket.pipe(socket))

/** Answers any request with a body that goes on for as long as anybody takes it. */
export const pouringOrigin = (): Promise<Origin> =>
  tcpOrigin((socket) => {
    const block = Buffer.alloc(64 * 1024)
    const more = (): void => {
      while (socket.write(block));
    }
    socket.on('drain', more).resume()
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    more()
  })

/** Takes everything and never answers; `taken` is told how many bytes there were. */
export const sinkOrigin = (taken: (bytes: number) => void): Promise<Origin> =>
  tcpOrigin((socket) => void socket.on('data', (chunk) => taken(chunk.length)))

/** Does with each connection what it is told. Nobody takes datagrams by the number of its port. */
export const tcpOrigin = async (onSocket: (socket: Socket) => void): Promise<Origin> =>
  opened(
    createServer({ allowHalfOpen: true }, (socket) => {
      onSocket(socket.on('error', () => {}))
    }),
    '127.0.0.1',
    await deadPort(),
  )

/** Of each of the workers that vitest has at once, so that none takes what another has just found free. */
const PORTS = 2000
const WORKERS = 10
/** Below those that systems give away, to sockets that connect among others. */
const FIRST_PORT = 11_000 + PORTS * (Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS)
let next = Math.floor(Math.random() * PORTS)

/** A loopback port that nobody has, neither for conns nor for datagrams. */
export const deadPort = async (): Promise<number> => {
  for (;;) {
    next = (next + 1) % PORTS
    const port = FIRST_PORT + next
    if (await isFree(port)) return port
  }
}

const isFree = async (port: number): Promise<boolean> => {
  const [server, socket] = [createServer(), createSocket('udp4')]
  try {
    await once(server.listen(port), 'listening')
    await once(socket.bind(port), 'listening')
    return true
  } catch {
    return false
  } finally {
    if (server.listening) await once(server.close(), 'close')
    await once(socket.close(), 'close')
  }
}
