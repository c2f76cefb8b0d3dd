import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Credential, openStore, type Limits } from '@sluice/userstore'
import type { Address } from '@sluice/wire'

/** A data folder, and a target on loopback that sends back what it is sent. */
export class Sandbox implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'service-'))
  readonly #target: Server
  readonly #sockets = new Set<Socket>()

  static async open(): Promise<Sandbox> {
    const sandbox = new Sandbox()
    await once(sandbox.#target.listen(0, '127.0.0.1'), 'listening')
    return sandbox
  }

  private constructor() {
    this.#target = createServer({ allowHalfOpen: true }, (socket) => {
      this.#keep(socket)
      socket.pipe(socket)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#target.close(resolve))
    rmSync(this.folder, { recursive: true, maxRetries: 5 })
  }

  get targetPort(): number {
    return (this.#target.address() as AddressInfo).port
  }

  get storeUrl(): string {
    return `sqlite:${join(this.folder, 'sluice.db')}`
  }

  /** Adds a user, as another program would. */
  async add(name: string, limits: Limits = {}, credentials: readonly Credential[] = []): Promise<void> {
    const store = await openStore(this.storeUrl)
    await store.add({ name, limits, credentials })
    await store.close()
  }

  /** Bytes booked for a user. */
  async booked(name: string): Promise<number> {
    const store = await openStore(this.storeUrl)
    const [usage] = await store.usage(name)
    await store.close()
    return usage?.total ?? 0
  }

  async connect({ host, port }: Address): Promise<Client> {
    const socket = connect({ host, port, allowHalfOpen: true })
    this.#keep(socket)
    await once(socket, 'connect')
    return new Client(socket)
  }

  /** Whether nobody listens there. */
  async isClosed({ host, port }: Address): Promise<boolean> {
    const socket = connect({ host, port })
    this.#keep(socket)
    return new Promise((resolve) => {
      socket.once('connect', () => resolve(false)).once('error', () => resolve(true))
    })
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
  }
}

/** A client of the test's door. */
export class Client {
  readonly socket: Socket
  text = ''
  /** Settles when the connection is no more. */
  readonly closed: Promise<string>
  readonly #waiting = new Set<() => void>()

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => {
      this.text += String(chunk)
      for (const check of this.#waiting) check()
    })
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.text)))
    socket.on('end', () => socket.end())
  }

  /** Resolves when `text` has come. */
  got(text: string): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!this.text.includes(text)) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }
}
