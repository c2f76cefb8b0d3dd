import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Address } from '@sluice/wire'
import {
  encodeSsRequest,
  type Opener,
  ResponseOpener,
  type Sealer,
  type SsKey,
  ssKey,
  ssMethod,
} from '@sluice/wire/shadowsocks'
import { AES, type TestUser } from './users.ts'

/** How a request differs from the usual one. */
export interface Asking {
  readonly salt?: Uint8Array
  readonly early?: Uint8Array
  readonly padding?: number
  readonly seconds?: number
  /** Of the server, where the port is shared by identity headers. */
  readonly serverKey?: SsKey
}

/** A request as bytes, and what belongs to it. */
export interface Asked {
  readonly bytes: Uint8Array
  readonly sealer: Sealer
  readonly opener: Opener
  readonly salt: Uint8Array
}

export const keyOf = ({ method = AES, secret, name }: TestUser): SsKey =>
  ssKey(ssMethod(method)!, secret ?? `secret of ${name}`)

/** What a client of this user sends first. */
export const requestOf = (user: TestUser, target: Address, asking: Asking = {}): Asked => {
  const key = keyOf(user)
  const { salt = randomBytes(key.method.saltBytes), early, padding = 7, serverKey } = asking
  const seconds = asking.seconds ?? Math.floor(Date.now() / 1000)
  const request = encodeSsRequest(key, salt, {
    target,
    padding,
    seconds,
    ...(early && { early }),
    ...(serverKey && { identity: [serverKey] }),
  })
  return { ...request, opener: new ResponseOpener(key, salt), salt }
}

/** A client that keeps all it was sent, and fails a wait that can no longer come true. */
export class SsClient {
  /** Where we come from, as the door sees it, and since when. */
  readonly port: number
  readonly since: number
  /** The other side has ended, or the connection broke. */
  over = false
  failure: Error | undefined = undefined
  readonly #raw = new Received()
  readonly #plain = new Received()
  #asked: Asked | undefined = undefined
  readonly #socket: Socket
  readonly #waiting = new Set<() => void>()

  static async connect({ host, port }: Address, from?: string): Promise<SsClient> {
    const since = Date.now()
    const local = from !== undefined && { localAddress: from }
    const socket = connect({ host, port, ...local, noDelay: true, allowHalfOpen: true })
    await once(socket, 'connect')
    return new SsClient(socket, since)
  }

  private constructor(socket: Socket, since: number) {
    this.since = since
    this.#socket = socket
    this.port = socket.localPort ?? 0
    socket
      .on('data', (chunk) => this.#take(chunk))
      .on('error', (error) => (this.failure = error))
      .on('end', () => this.#finish())
      .on('close', () => this.#finish())
  }

  /** As it came. */
  get raw(): Buffer {
    return this.#raw.bytes
  }

  /** Opened. */
  get plain(): Buffer {
    return this.#plain.bytes
  }

  ask(user: TestUser, target: Address, asking?: Asking): void {
    this.use(requestOf(user, target, asking))
    this.send(this.#asked!.bytes)
  }

  /** As `ask`, and sends nothing yet. */
  use(asked: Asked): void {
    this.#asked = asked
  }

  /** As it is. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Sealed. */
  say(plain: Uint8Array): void {
    const { sealer } = this.#asked!
    const out = new Uint8Array(sealer.room(plain.length))
    this.send(out.subarray(0, sealer.seal(plain, out)))
  }

  async drip(bytes: Uint8Array): Promise<void> {
    for (const byte of bytes) {
      this.#socket.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Half-closes. */
  finish(): void {
    this.#socket.end()
  }

  close(): void {
    this.#socket.destroy()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Waits for so many plain bytes. @throws Error where it is over before */
  async take(size: number): Promise<Buffer> {
    await this.#until(() => this.#plain.size >= size || this.over)
    if (this.plain.length < size) throw new Error(`wanted ${size} bytes, got ${this.plain.length}`)
    return this.plain.subarray(0, size)
  }

  /** Waits for the end. @returns all that came, opened */
  async rest(): Promise<Buffer> {
    await this.#until(() => this.over)
    return this.plain
  }

  #take(chunk: Buffer): void {
    this.#raw.add(chunk)
    if (this.#asked !== undefined) {
      const { opener } = this.#asked
      const out = Buffer.alloc(opener.room(chunk.length))
      this.#plain.add(out.subarray(0, opener.open(chunk, out)))
    }
    this.#check()
  }

  #finish(): void {
    this.over = true
    this.#check()
  }

  #check(): void {
    for (const check of this.#waiting) check()
  }

  #until(condition: () => boolean): Promise<void> {
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
}

class Received {
  size = 0
  #chunks: Buffer[] = []

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.size += chunk.length
  }

  get bytes(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }
}
