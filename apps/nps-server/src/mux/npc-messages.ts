import type { Conn } from '@sluice/net'
import { MAX_NPC_DATAGRAM, NpcDatagrams, npcMessageRoom, writeNpcMessage } from '@sluice/wire/npc'
import type { MessageStream } from './mux.ts'
import { NpcConn } from './npc-conn.ts'
import { addNpcFrame, type NpcEntry, type NpcWindows } from './npc-entry.ts'
import type { FrameSource } from './outbox.ts'
import type { Addressee, StreamHost } from './stream-host.ts'

const nothing = (): void => {}

/** A stream of npc's mux whose messages are taken as they are, each of which is a datagram. */
export class NpcMessages implements MessageStream, NpcEntry, FrameSource, Addressee {
  onMessage: (message: Uint8Array) => void = nothing
  onClose: (error: Error | undefined) => void = nothing
  readonly held = 0
  /** @internal */ isListed = false
  /** @internal */ isReady = false
  /** @internal */ isQueued = false
  /** @internal */ next: FrameSource | undefined = undefined
  readonly #id: number
  readonly #host: StreamHost
  readonly #windows: NpcWindows
  readonly #become: (conn: NpcConn) => void
  readonly #datagrams: NpcDatagrams = new NpcDatagrams()
  #message: Uint8Array | undefined
  #isClosed = false

  /** @param become takes its place by the conn */
  constructor(host: StreamHost, id: number, windows: NpcWindows, become: (conn: NpcConn) => void) {
    this.#host = host
    this.#id = id
    this.#windows = windows
    this.#become = become
    this.deliver()
  }

  /** @internal */
  get backlog(): number {
    return npcMessageRoom(this.#message!.length)
  }

  send(message: Uint8Array): boolean {
    const isPossible = message.length > 0 && message.length <= MAX_NPC_DATAGRAM && !this.#isClosed
    if (!isPossible || this.#windows.send.room === 0) return false
    this.#message = message
    const wentOut = this.#host.outbox.send(this)
    this.#message = undefined
    return wentOut
  }

  sendRaw(bytes: Uint8Array): boolean {
    if (this.#isClosed || bytes.length === 0) return false
    const { control } = this.#host.outbox
    const at = control.add(npcMessageRoom(bytes.length))
    writeNpcMessage(this.#id, bytes, control.bytes, at)
    this.#windows.send.sent(bytes.length)
    this.#host.outbox.touch()
    return true
  }

  close(): void {
    if (!this.#isClosed) this.#leave()
  }

  /** What comes from now on as bytes; to be asked for in `onMessage`. This one is of no use then. */
  toConn(): Conn {
    this.#isClosed = true
    const conn = new NpcConn(this.#host, this.#id, this.#windows)
    this.#become(conn)
    return conn
  }

  /** @internal */
  writeFrames(out: Uint8Array, at: number): number {
    this.#windows.send.sent(this.#message!.length)
    return writeNpcMessage(this.#id, this.#message!, out, at)
  }

  /** @internal */
  onTurn(): void {}

  /** @internal */
  onPiece(payload: Uint8Array, isEnd: boolean): void {
    const { receive } = this.#windows
    receive.received(payload.length)
    receive.consumed(payload.length, this.#host.nowMs, this.#host.rttMs)
    this.#host.arrived(this, 0)
    const message = this.#datagrams.push(payload, isEnd)
    if (message !== undefined) this.onMessage(message)
  }

  /** @internal */
  onWindow(read: number, max: number): void {
    this.#windows.send.acked({ read, max })
  }

  /** @internal */
  onPeerClose(): void {
    if (this.#isClosed) return
    this.#leave()
    this.onClose(undefined)
  }

  /** @internal */
  lost(error: Error): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.onClose(error)
  }

  /** @internal It holds nothing. */
  overload(): void {}

  /** @internal */
  deliver(): void {
    const ack = this.#isClosed ? undefined : this.#windows.receive.takeAck()
    if (ack === undefined) return
    addNpcFrame(this.#host.outbox.control, { type: 'window', id: this.#id, ...ack })
    this.#host.outbox.touch()
  }

  #leave(): void {
    this.#isClosed = true
    addNpcFrame(this.#host.outbox.tail, { type: 'close', id: this.#id })
    this.#host.outbox.touch()
    this.#host.forget(this.#id)
  }
}
