import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { portOf } from '../subject/echo.ts'
import { Exchange, ID_BYTES, type Plan, type Tunnel } from './exchange.ts'

/** How long a connection may take to show up here after its client is through with it. */
const LATE_MS = 2000

type Part = (socket: Tunnel, early: Buffer) => void

/** The target of all exchanges: plays the part that each of them has for it. */
export class Origin {
  readonly port: number
  readonly #server: Server
  readonly #expected: Map<string, Part> = new Map()
  readonly #sockets = new Set<Tunnel>()
  #made = 0

  static async open(): Promise<Origin> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    return new Origin(server, await portOf(server))
  }

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
    server.on('connection', (socket) => this.take(socket))
  }

  /**
   * Plays both parts of one exchange.
   * @param open gives the client's end, once it is through to here
   * @throws what `open` throws
   */
  async play(exchange: Exchange, open: () => Promise<Tunnel>): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<void>()
    this.#expected.set(exchange.id, (socket, early) => void exchange.runOrigin(socket, early).then(resolve))
    try {
      await exchange.runClient(await open())
      await Promise.race([over, sleep(LATE_MS, undefined, { ref: false })])
    } finally {
      // Broken off before its line came through, it has no part here.
      if (this.#expected.delete(exchange.id)) resolve()
    }
    await over
  }

  newExchange(plan: Plan): Exchange {
    this.#made += 1
    return new Exchange(this.#made, plan)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** A conn of some client. */
  take(socket: Tunnel): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket))
    let line: Buffer = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      line = Buffer.concat([line, chunk])
      if (line.length < ID_BYTES) return
      socket.off('data', onData)
      const id = line.toString('latin1', 0, ID_BYTES - 1)
      const part = this.#expected.get(id)
      this.#expected.delete(id)
      if (part) part(socket, line.subarray(ID_BYTES))
      else socket.destroy()
    }
    socket.on('data', onData)
  }
}
