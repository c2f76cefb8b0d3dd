import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Address, decodeCompatResponse, encodeCompatRequest } from '@sluice/wire'

export interface CompatReply {
  readonly status_code: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const KEY = Uint8Array.from({ length: 50 }, (_, index) => 5 * index + 1)

/** A request as one of the original's clients frames it. */
export const frameOf = (request: unknown): Uint8Array => {
  const data = typeof request === 'string' ? Buffer.from(request) : Buffer.from(JSON.stringify(request))
  return encodeCompatRequest({ nonce: Uint8Array.of(1, 2, 3, 4), key: KEY, data })
}

/** A client of the original. */
export class CompatPeer {
  readonly socket: Socket
  readonly #chunks: Uint8Array[] = []
  readonly #waiting = new Set<() => void>()
  over = false

  static async connect({ host, port }: Address): Promise<CompatPeer> {
    const socket = connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    return new CompatPeer(socket)
  }

  private constructor(socket: Socket) {
    this.socket = socket
    socket
      .on('data', (chunk: Uint8Array) => {
        this.#chunks.push(chunk)
        this.#wake()
      })
      .on('error', () => {})
      .on('close', () => {
        this.over = true
        this.#wake()
      })
  }

  ask(request: unknown): void {
    this.socket.write(frameOf(request))
  }

  /** Waits for an answer; undefined where the other side closes without one. */
  async reply(): Promise<CompatReply | undefined> {
    for (;;) {
      const bytes = Buffer.concat(this.#chunks)
      const size = bytes.length < 4 ? Infinity : 4 + bytes.readUInt32BE()
      const decoded = bytes.length < size ? undefined : decodeCompatResponse(bytes)
      if (decoded !== undefined) {
        this.#chunks.splice(0, Infinity, bytes.subarray(decoded.size))
        return JSON.parse(Buffer.from(decoded.value.data).toString()) as CompatReply
      }
      if (this.over) return undefined
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** Waits until the other side has closed. */
  async closed(): Promise<void> {
    if (!this.over) await once(this.socket, 'close')
  }

  /** All that came and was not taken. */
  get left(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
