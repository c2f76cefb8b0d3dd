import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Address } from '@sluice/wire'

/** A TCP client that keeps all it was sent. */
export class RawClient implements Disposable {
  readonly socket: Socket
  text = ''
  over = false
  /** It was reset. */
  isBroken = false
  readonly #waiting = new Set<() => void>()

  static async connect({ host, port }: Address): Promise<RawClient> {
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  private constructor(socket: Socket) {
    this.socket = socket
    const wake = (): void => {
      for (const look of this.#waiting) look()
    }
    socket
      .on('data', (chunk: Buffer) => {
        this.text += chunk.toString('latin1')
        wake()
      })
      .on('error', () => (this.isBroken = true))
      .on('end', () => {
        this.over = true
        wake()
      })
      .on('close', () => {
        this.over = true
        wake()
      })
  }

  send(...lines: string[]): void {
    this.socket.write(lines.join('\r\n'), 'latin1')
  }

  /** Waits until what came contains `part`. @throws Error where it ends before */
  async until(part: string): Promise<string> {
    await this.#until(() => this.text.includes(part) || this.over)
    if (!this.text.includes(part)) throw new Error(`no ${part} in: ${this.text}`)
    return this.text
  }

  /** Waits for the end. */
  async rest(): Promise<string> {
    await this.#until(() => this.over)
    return this.text
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }
}
