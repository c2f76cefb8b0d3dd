import type { WebSocketLike } from '../browser/relay-socket.ts'

type Listener = (event: { readonly data: unknown; readonly code: number }) => void

/** One end of a WebSocket without a network. */
export class FakeWebSocket implements WebSocketLike {
  binaryType = ''
  bufferedAmount = 0
  peer!: FakeWebSocket
  /** All that was sent, and with which code it was closed. */
  readonly sent: Uint8Array[] = []
  closedWith: number | undefined = undefined
  readonly #listeners = new Map<string, Listener[]>()

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener])
  }

  send(data: Uint8Array): void {
    this.sent.push(data)
    const copy = new Uint8Array(data).buffer
    queueMicrotask(() => this.peer.tell('message', copy))
  }

  close(code = 1000): void {
    if (this.closedWith !== undefined) return
    this.closedWith = code
    queueMicrotask(() => {
      this.peer.closedWith ??= code
      this.peer.tell('close', undefined, code)
      this.tell('close', undefined, code)
    })
  }

  tell(type: string, data?: unknown, code = 0): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data, code })
  }
}

/** Two ends; open a moment later. */
export const webSocketPair = (): [FakeWebSocket, FakeWebSocket] => {
  const pair: [FakeWebSocket, FakeWebSocket] = [new FakeWebSocket(), new FakeWebSocket()]
  pair[0].peer = pair[1]
  pair[1].peer = pair[0]
  queueMicrotask(() => {
    for (const end of pair) end.tell('open')
  })
  return pair
}
