import { once } from 'node:events'
import { createConnection, Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HandshakeCase } from './handshake-case.ts'

/** How long a client that reads nothing stays. */
const DEAF_MS = 200
/** Clients remembered, for faults that show up later. */
const REMEMBERED = 2000

/** Puts something on a fresh conn, such as TLS. @returns what to write to, and what was said there already; undefined where it failed */
export type Layer = (socket: Socket) => Promise<{ stream: Writable; said: Uint8Array } | undefined>

const bare: Layer = (socket) => Promise.resolve({ stream: socket, said: new Uint8Array(0) })

/** Plays cases against one server, and knows afterwards which client sent what. */
export class HandshakeClients {
  played = 0
  /** Cases, in hex, that the server left open too long. */
  readonly leftOpen: string[] = []
  /** Strangers, in hex, that were told something. */
  readonly answered: string[] = []
  readonly #patienceMs: number
  readonly #sent = new Map<string, string>()

  /** @param patienceMs within which the server must be done with every client */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** What `client` (`host:port`, as the server saw it) sent, in hex. */
  sentBy(client: string | undefined): string | undefined {
    return client === undefined ? undefined : this.#sent.get(client)
  }

  /** What the last `count` clients sent, in hex. */
  lastSent(count: number): string[] {
    return [...this.#sent.values()].slice(-count)
  }

  /**
   * Plays one case to its end. A broken connection is a proper end, one that stays is not.
   * @param isStranger it is to be told nothing
   * @param layer the case is played on this
   */
  async play(port: number, handshake: HandshakeCase, isStranger = false, layer: Layer = bare): Promise<void> {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true })
    socket.on('error', () => undefined)
    const closed = new Promise((resolve) => socket.once('close', resolve))
    if (!(await isConnected(socket))) return
    const client = `127.0.0.1:${socket.localPort}`
    const hex = Buffer.concat(handshake.pieces).toString('hex')
    this.#remember(client, hex)
    if (isStranger) socket.once('data', () => this.answered.push(hex))
    const timer = setTimeout(() => {
      this.leftOpen.push(hex)
      socket.destroy()
    }, this.#patienceMs)
    const through = await Promise.race([layer(socket), closed.then(() => undefined)])
    if (through !== undefined) {
      if (through.said.length > 0) this.#remember(client, Buffer.from(through.said).toString('hex') + hex)
      await send(socket, through.stream, handshake)
    }
    await closed
    clearTimeout(timer)
    this.played += 1
  }

  #remember(client: string, hex: string): void {
    // Ports come again: the newest belongs at the end.
    this.#sent.delete(client)
    this.#sent.set(client, hex)
    const [oldest] = this.#sent.keys()
    if (this.#sent.size > REMEMBERED && oldest !== undefined) this.#sent.delete(oldest)
  }
}

async function isConnected(socket: Socket): Promise<boolean> {
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  }
}

async function send(socket: Socket, stream: Writable, { pieces, ending }: HandshakeCase): Promise<void> {
  const heard = stream instanceof Socket ? stream : socket
  if (ending === 'deaf') heard.pause()
  else heard.resume()
  for (const piece of pieces) {
    if (socket.destroyed) return
    stream.write(piece)
    // Until the next turn of the loop, which is when the server may have read it.
    await sleep(1)
  }
  if (ending === 'end') stream.end()
  if (ending === 'deaf') await sleep(DEAF_MS)
  if (ending === 'reset' || ending === 'deaf') breakOff(socket, stream)
}

/** A socket that TLS stands on is TLS's to close, and cannot be reset. */
function breakOff(socket: Socket, stream: Writable): void {
  if (stream === socket) socket.resetAndDestroy()
  else stream.destroy()
}
