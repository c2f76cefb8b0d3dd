import { encodeRelayFrame, MAX_BODY, type RelayFrame, relayFrameDecoder } from '@sluice/wire/relay'
import type { FramePort } from '../peer/frame-port.ts'
import { PeerError } from '../peer/peer-error.ts'

const decode = relayFrameDecoder(MAX_BODY.AFTER_AUTH)

/** One end of a connection without a network; frames pass it as their octets. */
export class MemoryPort implements FramePort {
  readonly binding: Uint8Array | undefined
  /** All frames that were sent. */
  readonly sent: RelayFrame[] = []
  peer!: MemoryPort
  closed: Error | undefined = undefined
  readonly #queue: RelayFrame[] = []
  #waiting: PromiseWithResolvers<RelayFrame> | undefined = undefined

  constructor(binding?: Uint8Array) {
    this.binding = binding
  }

  send(frame: RelayFrame): void {
    if (this.closed !== undefined) return
    this.sent.push(frame)
    this.peer.#put(decode(encodeRelayFrame(frame))!.value)
  }

  read(): Promise<RelayFrame> {
    if (this.#waiting !== undefined) throw new Error('two reads at a time')
    const first = this.#queue.shift()
    if (first !== undefined) return Promise.resolve(first)
    if (this.closed !== undefined) return Promise.reject(this.closed)
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  close(error: Error = new PeerError('PEER_CLOSED', 'closed')): void {
    this.#fail(error)
    this.peer.#fail(new PeerError('RELAY_CLOSED', 'the other end closed'))
  }

  #put(frame: RelayFrame): void {
    if (this.#waiting === undefined) this.#queue.push(frame)
    else this.#waiting.resolve(frame)
    this.#waiting = undefined
  }

  #fail(error: Error): void {
    if (this.closed !== undefined) return
    this.closed = error
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }
}

/** A peer's end and a relay's. */
export const portPair = (bindings: readonly (Uint8Array | undefined)[] = []): [MemoryPort, MemoryPort] => {
  const pair: [MemoryPort, MemoryPort] = [new MemoryPort(bindings[0]), new MemoryPort(bindings[1])]
  pair[0].peer = pair[1]
  pair[1].peer = pair[0]
  return pair
}
