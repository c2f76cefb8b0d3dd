import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Address } from '@sluice/wire'
import { md5 as md5Of } from '../../testing/npc-emulator-login.ts'

/** The first bytes of every conn of a program, as they stand on the wire. */
export const HELLO: Buffer = Buffer.from('54535406000000302e32362e3007000000302e32362e3130', 'hex')

/** A conn of bytes. */
export class RawNpc {
  readonly socket: Socket
  received: Buffer = Buffer.alloc(0)
  #isOver = false
  #waiting: (() => void) | undefined = undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk])
      this.#waiting?.()
    })
    socket.on('error', () => {})
    const over = (): void => {
      this.#isOver = true
      this.#waiting?.()
    }
    socket.on('end', over).on('close', over)
  }

  static async connect({ host, port }: Address, localAddress?: string): Promise<RawNpc> {
    const socket = connect({ host, port, noDelay: true, ...(localAddress !== undefined && { localAddress }) })
    await once(socket, 'connect')
    return new RawNpc(socket)
  }

  /** A conn that is let in, and has said what it is for. */
  static async arrive(at: Address, vkey: string, purpose: string | Uint8Array): Promise<RawNpc> {
    const raw = await RawNpc.connect(at)
    raw.socket.write(Buffer.concat([HELLO, Buffer.from(md5Of(vkey)), Buffer.from(purpose)]))
    await raw.take(36)
    return raw
  }

  /** The next bytes. @throws Error where it ends before */
  async take(size: number): Promise<Buffer> {
    while (this.received.length < size) {
      if (this.#isOver) throw new Error(`ended with ${this.received.length} of ${size} bytes`)
      await this.#more()
    }
    const taken = this.received.subarray(0, size)
    this.received = this.received.subarray(size)
    return taken
  }

  /** All up to these bytes, and they. */
  async until(bytes: string): Promise<Buffer> {
    while (!this.received.includes(bytes)) await this.#more()
    return this.take(this.received.indexOf(bytes) + bytes.length)
  }

  /** All that comes until it ends. */
  async rest(): Promise<string> {
    while (!this.#isOver) await this.#more()
    return this.received.toString('latin1')
  }

  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting = resolve
    await promise
  }
}
