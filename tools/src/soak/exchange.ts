import { reset, type Resettable } from '../subject/reset.ts'
import type { Moved } from './tally.ts'
import { isPattern, pour } from './pattern.ts'

/** One end of a connection, of a socket or what stands on one. */
export type Tunnel = Resettable

/** Of the line that tells the origin which exchange it is. */
export const ID_BYTES = 9

/** What is to go through one connection. Both sides end their half when they have sent theirs. */
export interface Plan {
  readonly up: number
  readonly down: number
  /** The origin answers when the client has ended its half, not at once. */
  readonly answersLast?: boolean
  /** This side resets the connection when so many bytes have come to it. */
  readonly breaks?: { side: 'client' | 'origin'; at: number }
  /** Nobody ends it, unless the other side does. */
  readonly held?: boolean
}

/** One connection through the proxy, seen from both ends. */
export class Exchange implements Moved {
  readonly id: string
  readonly plan: Plan
  clientSent = 0
  originGot = 0
  originSent = 0
  clientGot = 0
  /** Something came that was not sent like that. */
  garbled = false
  #clientEnded = false
  #originEnded = false
  #reset: (() => void) | undefined = undefined

  constructor(id: number, plan: Plan) {
    this.id = id.toString(16).padStart(ID_BYTES - 1, '0')
    this.plan = plan
  }

  /** Everything was sent, arrived, and was ended from both sides. */
  get isEnded(): boolean {
    const { up, down } = this.plan
    const isWhole = this.originGot === up + ID_BYTES && this.clientGot === down
    return this.#clientEnded && this.#originEnded && isWhole
  }

  /** Breaks it off from the client's side, now. */
  reset(): void {
    this.#reset?.()
  }

  /** The client's part, on a fresh tunnel. Resolves when that is closed. */
  async runClient(socket: Tunnel): Promise<void> {
    const closed = new Promise((resolve) => socket.once('close', resolve))
    this.#reset = (): void => reset(socket)
    socket.once('end', () => {
      this.#clientEnded = true
      if (this.plan.held) socket.end()
    })
    socket.on('data', (chunk: Buffer) => {
      this.garbled ||= !isPattern(chunk, this.clientGot)
      this.clientGot += chunk.length
      this.#breakOff(socket, 'client', this.clientGot)
    })
    socket.resume()
    this.clientSent += ID_BYTES
    socket.write(`${this.id}\n`)
    await pour(socket, this.plan.up, (bytes) => (this.clientSent += bytes))
    if (!this.plan.held) socket.end()
    await closed
  }

  /** The origin's part, after its line was read; `early` has come together with that. Resolves when it is closed. */
  async runOrigin(socket: Tunnel, early: Buffer): Promise<void> {
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const { down, answersLast, held } = this.plan
    const asked = new Promise<void>((resolve) => {
      socket.once('close', resolve).once('end', () => {
        this.#originEnded = true
        if (held) socket.end()
        resolve()
      })
    })
    socket.on('data', (chunk: Buffer) => this.#originTakes(socket, chunk))
    this.originGot += ID_BYTES
    if (early.length > 0) this.#originTakes(socket, early)
    if (answersLast) await asked
    await pour(socket, down, (bytes) => (this.originSent += bytes))
    if (!held) socket.end()
    await closed
  }

  #originTakes(socket: Tunnel, chunk: Buffer): void {
    this.garbled ||= !isPattern(chunk, this.originGot - ID_BYTES)
    this.originGot += chunk.length
    this.#breakOff(socket, 'origin', this.originGot)
  }

  #breakOff(socket: Tunnel, side: 'client' | 'origin', got: number): void {
    const { breaks } = this.plan
    if (breaks?.side === side && got >= breaks.at) reset(socket)
  }
}
