import { MAX_NPC_SEGMENT, npcMessageRoom, writeNpcMessage } from '@sluice/wire/npc'
import { StreamReset } from './mux.ts'
import { addNpcFrame, type NpcEntry, type NpcWindows } from './npc-entry.ts'
import { StreamConn } from './stream-conn.ts'
import type { StreamHost } from './stream-host.ts'

/** Segments of one turn, so that no stream waits long for another. */
const SEGMENTS = 16
const FRAME_BYTES = npcMessageRoom(MAX_NPC_SEGMENT)
/** What may have been on its way to a peer that has closed. */
const MOST_DROPPED = 1024 * 1024

/**
 * A stream of npc's mux as a conn. There is no half-close: `end` tells the peer to close, and what it has sent until it does so still
 * comes. What is written to one that the peer has closed is dropped, and a writer who goes on is told of a reset.
 */
export class NpcConn extends StreamConn implements NpcEntry {
  readonly #windows: NpcWindows
  #dropped = 0

  constructor(host: StreamHost, id: number, windows: NpcWindows) {
    super(host, id)
    this.#windows = windows
    this.grant()
  }

  get credit(): number {
    return this.hasPeerEnded ? 1 : this.#windows.send.room
  }

  get backlog(): number {
    return npcMessageRoom(Math.min(this.chunk!.length - this.offset, this.#windows.send.room))
  }

  writeFrames(out: Uint8Array, at: number, end: number): number {
    const chunk = this.chunk!
    const left = chunk.length - this.offset
    if (this.hasPeerEnded) return this.#pass(left, at)
    const fits = Math.floor((end - at) / FRAME_BYTES)
    const most = fits === 0 ? end - at - SEGMENT_HEAD : Math.min(fits, SEGMENTS) * MAX_NPC_SEGMENT
    const size = Math.min(left, this.#windows.send.room, most)
    const piece = size === chunk.length ? chunk : chunk.subarray(this.offset, this.offset + size)
    const to = writeNpcMessage(this.id, piece, out, at)
    this.#windows.send.sent(size)
    this.sent(size)
    return to
  }

  onPiece(payload: Uint8Array): void {
    if (this.hasPeerEnded) return
    this.#windows.receive.received(payload.length)
    this.receive(payload)
  }

  onWindow(read: number, max: number): void {
    if (this.#windows.send.acked({ read, max })) this.credited()
  }

  onPeerClose(): void {
    this.peerEnded()
    this.credited()
    if (this.isEndSent) this.settle()
  }

  /** The peer does not answer a close. */
  giveUp(): void {
    if (!this.hasPeerEnded) this.onPeerClose()
  }

  protected consumed(octets: number): void {
    this.#windows.receive.consumed(octets, this.host.nowMs, this.host.rttMs)
  }

  protected grant(): void {
    if (this.hasPeerEnded) return
    const ack = this.#windows.receive.takeAck()
    if (ack === undefined) return
    addNpcFrame(this.host.outbox.control, { type: 'window', id: this.id, ...ack })
    this.host.outbox.touch()
  }

  protected sendEnd(): void {
    this.#sendClose()
    if (this.hasPeerEnded) this.settle()
    else this.host.linger(this)
  }

  protected leave(): void {
    if (!this.isEndSent) this.#sendClose()
    this.settle()
  }

  #sendClose(): void {
    addNpcFrame(this.host.outbox.tail, { type: 'close', id: this.id })
    this.host.outbox.touch()
  }

  /** It is too late for the rest of the chunk. */
  #pass(octets: number, at: number): number {
    this.#dropped += octets
    this.sent(octets)
    if (this.#dropped > MOST_DROPPED) queueMicrotask(() => this.#cut())
    return at
  }

  #cut(): void {
    if (this.closed) return
    this.leave()
    this.break(new StreamReset(0))
  }
}

const SEGMENT_HEAD = npcMessageRoom(1) - 1
