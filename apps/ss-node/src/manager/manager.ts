import { DatagramSocket, errnoOf, type OnDatagram } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { asRemoteError, RemoteError } from '../remote/remote-error.ts'
import { type Command, readCommand } from './command.ts'
import { type Dialect, DIALECTS, type ManagedPort, type ManagerDialect, pushes } from './dialect.ts'
import type { PortUsers } from './port-users.ts'

export interface ManagerOptions {
  /** On loopback: whoever reaches it can add users, and read their passwords. */
  readonly address: Address
  readonly dialect: ManagerDialect
  /** Of ports that are added without one. */
  readonly method: string
  readonly users: PortUsers
  /** A fault of ours. */
  readonly onFailed: (error: unknown) => void
  /** How often traffic is pushed, where the dialect does. @default 10,000 */
  readonly pushMs?: number
}

/** Commands that wait for the one that is carried out; more are lost, as datagrams are. */
const MAX_WAITING = 1024

/** Speaks the protocol of ss-manager over UDP: one datagram asks, one or more answer. Commands are carried out in turn. */
export class Manager {
  readonly #options: ManagerOptions
  readonly #dialect: Dialect
  readonly #socket: DatagramSocket
  readonly #pushing: NodeJS.Timeout | undefined
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #closed = false
  /** Who pinged last. */
  #listener: Address | undefined = undefined
  /** By port, what was pushed of it. */
  #pushed = new Map<number, number>()

  /** @throws the system's error */
  static async open(options: ManagerOptions): Promise<Manager> {
    let manager: Manager | undefined = undefined
    const socket = await bind(options.address, (bytes, host, port) => manager?.receive(bytes, { host, port }))
    manager = new Manager(options, socket)
    return manager
  }

  private constructor(options: ManagerOptions, socket: DatagramSocket) {
    this.#options = options
    this.#dialect = DIALECTS[options.dialect]
    this.#socket = socket
    const { pushMs = 10_000 } = options
    if (this.#dialect.pushes) this.#pushing = setInterval(() => this.push(), pushMs).unref()
  }

  get address(): Address {
    return this.#socket.local
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#pushing)
    this.#socket.close()
  }

  /** @internal */
  receive(bytes: Uint8Array, from: Address): void {
    if (this.#waiting === MAX_WAITING) return
    this.#waiting += 1
    this.#last = this.#last.then(() => this.#answer(bytes, from))
  }

  /** @internal */
  push(): void {
    if (this.#listener === undefined) return
    const now = this.#options.users.list()
    for (const text of pushes(now.map((port) => this.#since(port)))) this.#send(text, this.#listener)
    this.#pushed = new Map(now.map(({ port, bytes }) => [port, bytes]))
  }

  /** A port that was removed and added anew has begun from zero. */
  #since(now: ManagedPort): ManagedPort {
    const before = this.#pushed.get(now.port) ?? 0
    return { ...now, bytes: now.bytes < before ? now.bytes : now.bytes - before }
  }

  async #answer(bytes: Uint8Array, from: Address): Promise<void> {
    this.#waiting -= 1
    if (this.#closed) return
    for (const text of await this.#repliesTo(bytes, from)) this.#send(text, from)
  }

  async #repliesTo(bytes: Uint8Array, from: Address): Promise<readonly string[]> {
    try {
      const command = readCommand(bytes, this.#options.method)
      return command === undefined ? [] : await this.#carryOut(command, from)
    } catch (error) {
      const remote = asRemoteError(error)
      if (remote === undefined) this.#options.onFailed(error)
      const text = this.#dialect.failed(remote ?? new RemoteError('BUSY', 'failed'))
      return text === undefined ? [] : [text]
    }
  }

  async #carryOut(command: Command, from: Address): Promise<readonly string[]> {
    const { users } = this.#options
    switch (command.name) {
      case 'add':
        await users.add(command)
        return ['ok']
      case 'remove':
        await users.remove(command.port)
        return ['ok']
      case 'list':
        return this.#dialect.list(users.list())
      case 'ping':
      default:
        this.#listener = from
        return this.#dialect.ping(users.list())
    }
  }

  #send(text: string, { host, port }: Address): void {
    this.#socket.send(Buffer.from(text), host, port)
  }
}

const bind = async ({ host, port }: Address, onDatagram: OnDatagram): Promise<DatagramSocket> => {
  try {
    return await DatagramSocket.bind({
      host: host === 'localhost' ? '127.0.0.1' : host,
      ...(port !== 0 && { ports: { first: port, last: port } }),
      onDatagram,
    })
  } catch (cause) {
    // A range of one port is told as one that has no free port.
    const code = errnoOf(Object(cause).cause) || 'EADDRINUSE'
    throw Object.assign(new Error(`manager ${host}:${port}: ${code}`, { cause }), { code })
  }
}
