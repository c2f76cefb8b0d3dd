import type { Decode } from '../decode.ts'
import { type NpcFrame, NpcMuxDecoder, type NpcMuxSink } from '../npc/index.ts'
import { YamuxDecoder, type YamuxFrame, type YamuxSink } from '../yamux/index.ts'

/** What a mux decoder said, the pieces of a message as one. */
export class NpcFrames implements NpcMuxSink {
  readonly frames: NpcFrame[] = []

  onData(id: number, payload: Uint8Array, isEnd: boolean): void {
    const last = this.frames.at(-1)
    const isMore = last?.type === 'data' && !last.isEnd && last.id === id
    if (isMore) this.frames.pop()
    const before = isMore ? last.payload : new Uint8Array()
    this.frames.push({ type: 'data', id, payload: joined(before, payload), isEnd })
  }

  onWindow(id: number, read: number, max: number): void {
    this.frames.push({ type: 'window', id, read, max })
  }

  onOpen = (id: number): void => void this.frames.push({ type: 'open', id })
  onOpened = (id: number): void => void this.frames.push({ type: 'opened', id })
  onRefused = (id: number): void => void this.frames.push({ type: 'refused', id })
  onClose = (id: number): void => void this.frames.push({ type: 'close', id })
  onPing = (opaque: Uint8Array): void => void this.frames.push({ type: 'ping', opaque })
  onPong = (opaque: Uint8Array): void => void this.frames.push({ type: 'pong', opaque })
}

/** What a session decoder said; pieces stay as they came. */
export class YamuxFrames implements YamuxSink {
  readonly frames: YamuxFrame[] = []

  onData(id: number, flags: number, payload: Uint8Array): void {
    this.frames.push({ type: 'data', flags, id, payload: new Uint8Array(payload) })
  }

  onWindow(id: number, flags: number, delta: number): void {
    this.frames.push({ type: 'window', flags, id, delta })
  }

  onPing = (opaque: number): void => void this.frames.push({ type: 'ping', opaque })
  onPong = (opaque: number): void => void this.frames.push({ type: 'pong', opaque })
  onGoAway = (code: number): void => void this.frames.push({ type: 'goAway', code })
}

/** Push decoders as decoders of one frame, so that they can be held to the laws of the others. */
export const decodeNpcFrame: Decode<NpcFrame> = (bytes) => {
  const size = npcFrameSize(bytes)
  const sink = new NpcFrames()
  new NpcMuxDecoder(sink).push(bytes.subarray(0, size))
  return bytes.length < size ? undefined : { value: sink.frames[0]!, size }
}

export const decodeYamuxFrame: Decode<YamuxFrame> = (bytes) => {
  const size = yamuxFrameSize(bytes)
  const sink = new YamuxFrames()
  new YamuxDecoder(sink).push(bytes.subarray(0, size))
  return bytes.length < size ? undefined : { value: sink.frames[0]!, size }
}

/** Pushed in pieces of these sizes in turn, each gone once it was seen. */
export function pushInPieces(
  decoder: { push(chunk: Uint8Array): void },
  bytes: Uint8Array,
  sizes: readonly number[],
): void {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = Math.min(bytes.length, at + sizes[turn % sizes.length]!)
    const piece = bytes.slice(at, end)
    decoder.push(piece)
    piece.fill(0xaa)
    at = end
  }
}

function npcFrameSize(bytes: Uint8Array): number {
  const flag = bytes[0] ?? 0
  if (flag === 5) return 13
  if (flag !== 0 && flag !== 3 && flag !== 4 && flag !== 8) return 5
  return bytes.length < 7 ? 7 : 7 + bytes[5]! + 256 * bytes[6]!
}

function yamuxFrameSize(bytes: Uint8Array): number {
  if (bytes.length < 12 || bytes[1] !== 0) return 12
  return 12 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(8)
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => new Uint8Array(Buffer.concat([a, b]))
