import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** One connection that a scripted target got. */
export class TargetConn {
  readonly socket: Socket
  received = ''
  ended = false
  /** Closed, by whomever. */
  closed = false
  error: Error | undefined = undefined
  readonly #waiting = new Set<() => void>()

  constructor(socket: Socket) {
    this.socket = socket
    socket
      .on('data', (chunk: Buffer) => {
        this.received += chunk.toString('latin1')
        this.#check()
      })
      .on('end', () => {
        this.ended = true
        this.#check()
      })
      .on('error', (error) => (this.error = error))
      .on('close', () => {
        this.closed = true
        this.#check()
      })
  }

  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Waits until something has come. @returns all that came, and forgets it */
  async take(sign = '\r\n\r\n'): Promise<string> {
    await this.until(() => this.received.includes(sign))
    const taken = this.received
    this.received = ''
    return taken
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  #check(): void {
    for (const check of this.#waiting) check()
  }
}

/** A target that does what a test tells it, conn by conn. */
export class ScriptedTarget implements Disposable {
  readonly port: number
  /** All conns so far. */
  readonly conns: TargetConn[] = []
  readonly #server: Server
  readonly #waiting: ((conn: TargetConn) => void)[] = []
  #next = 0

  static async open(host = '127.0.0.1'): Promise<ScriptedTarget> {
    const server = createServer({ allowHalfOpen: true }).listen(0, host)
    await once(server, 'listening')
    return new ScriptedTarget(server)
  }

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket) => {
      const conn = new TargetConn(socket)
      this.conns.push(conn)
      const waiting = this.#waiting.shift()
      if (waiting === undefined) return
      this.#next += 1
      waiting(conn)
    })
  }

  get authority(): string {
    return `127.0.0.1:${this.port}`
  }

  /** The next conn that nobody has waited for yet. */
  next(): Promise<TargetConn> {
    const conn = this.conns[this.#next]
    if (conn === undefined) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#next += 1
    return Promise.resolve(conn)
  }

  [Symbol.dispose](): void {
    for (const { socket } of this.conns) socket.destroy()
    this.#server.close()
  }
}
