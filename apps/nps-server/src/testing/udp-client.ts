import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Address } from '@sluice/wire'

/** A socket that keeps what it was sent. */
export class UdpClient implements Disposable {
  readonly address: Address
  readonly received: Buffer[] = []
  readonly #socket: Socket

  static async open(): Promise<UdpClient> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new UdpClient(socket)
  }

  /** One that sends all back. */
  static async echo(): Promise<UdpClient> {
    const client = await UdpClient.open()
    client.#socket.on('message', (bytes: Buffer, { address, port }: RemoteInfo) => {
      client.#socket.send(bytes, port, address)
    })
    return client
  }

  private constructor(socket: Socket) {
    const { address: host, port } = socket.address()
    this.address = { host, port }
    this.#socket = socket
    socket.on('message', (bytes: Buffer) => void this.received.push(bytes))
  }

  send(bytes: Uint8Array | string, { host, port }: Address): void {
    this.#socket.send(bytes, port, host)
  }

  /** Sends, and waits for the next that comes. */
  async ask(bytes: Uint8Array | string, to: Address): Promise<Buffer> {
    const message = once(this.#socket, 'message')
    this.send(bytes, to)
    const [answer] = (await message) as [Buffer]
    return answer
  }

  [Symbol.dispose](): void {
    this.#socket.close()
  }
}
