import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Address } from '@sluice/wire'

/** What stands in for a relay's port, so that the relay can die as by the system's hand and come back at the same place. */
export class CutProxy implements Disposable {
  /** Where the relay is; undefined: nobody is there. */
  target: Address | undefined
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  static async open(target: Address): Promise<CutProxy> {
    const server = createServer({ allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new CutProxy(server, target)
  }

  private constructor(server: Server, target: Address) {
    this.#server = server
    this.target = target
    server.on('connection', (socket) => this.#pass(socket))
  }

  get address(): Address {
    const { address: host, port } = this.#server.address() as AddressInfo
    return { host, port }
  }

  /** All at once, and in good order, which is what a system does for a program that was killed. */
  kill(): void {
    this.target = undefined
    for (const socket of this.#sockets) socket.end(() => socket.destroy())
  }

  [Symbol.dispose](): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #pass(near: Socket): void {
    if (this.target === undefined) {
      near.resetAndDestroy()
      return
    }
    const far = connect({ ...this.target, allowHalfOpen: true })
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    }
    near.pipe(far)
    far.pipe(near)
  }
}
