import type { Duplex } from 'node:stream'
import { encodeNpcFrame, NpcMuxDecoder, type NpcMuxSink } from '@sluice/wire/npc'
import { type EmulatorCarrier, EmulatorStream } from './npc-emulator-stream.ts'

const PING_MS = 5000

/** The program's end of one mux: takes the streams that the server opens. Nothing here is the server's code but the frames. */
export class EmulatorMux implements EmulatorCarrier, NpcMuxSink {
  readonly #socket: Duplex
  readonly #hasLinks: boolean
  readonly #onStream: (stream: EmulatorStream) => void
  readonly #streams = new Map<number, EmulatorStream>()
  readonly #pinging: NodeJS.Timeout

  /** @param hasLinks whether streams begin with a link, which they have when they are told; those to files have none */
  constructor(socket: Duplex, hasLinks: boolean, onStream: (stream: EmulatorStream) => void) {
    this.#socket = socket
    this.#hasLinks = hasLinks
    this.#onStream = onStream
    const decoder = new NpcMuxDecoder(this)
    this.#pinging = setInterval(() => this.#ping(), PING_MS)
    socket.on('data', (chunk: Buffer) => decoder.push(chunk)).on('close', () => this.#over())
    this.#ping()
  }

  get streams(): number {
    return this.#streams.size
  }

  send(frames: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(frames)
  }

  forget(id: number): void {
    this.#streams.delete(id)
  }

  onOpen(id: number): void {
    const stream = new EmulatorStream(id, this, this.#hasLinks, this.#onStream)
    stream.on('error', () => {})
    this.#streams.set(id, stream)
    this.send(encodeNpcFrame({ type: 'opened', id }))
    if (!this.#hasLinks) this.#onStream(stream)
  }

  onData(id: number, payload: Uint8Array, isEnd: boolean): void {
    this.#streams.get(id)?.received(payload, isEnd)
  }

  onWindow(id: number, read: number, max: number): void {
    this.#streams.get(id)?.acked(read, max)
  }

  onClose(id: number): void {
    this.#streams.get(id)?.serverClosed()
  }

  onPing(opaque: Uint8Array): void {
    this.send(encodeNpcFrame({ type: 'pong', opaque }))
  }

  onOpened(): void {}
  onRefused(): void {}
  onPong(): void {}

  #ping(): void {
    this.send(encodeNpcFrame({ type: 'ping', opaque: Buffer.from(new Date().toISOString()) }))
  }

  #over(): void {
    clearInterval(this.#pinging)
    for (const stream of this.#streams.values()) stream.destroy()
  }
}
