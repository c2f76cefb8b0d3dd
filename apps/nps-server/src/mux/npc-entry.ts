import type { FrameList } from './frame-list.ts'
import type { MuxEntry } from './mux-core.ts'
import { encodeNpcFrame, type NpcFrame, NpcReceiveWindow, NpcSendWindow } from '@sluice/wire/npc'

/** What stands under an id of a mux that speaks npc's protocol. */
export interface NpcEntry extends MuxEntry {
  /** @throws WireError */
  onPiece(payload: Uint8Array, isEnd: boolean): void
  onWindow(read: number, max: number): void
  /** It has ended both ways; what came before still counts. */
  onPeerClose(): void
}

export interface NpcWindows {
  readonly send: NpcSendWindow
  readonly receive: NpcReceiveWindow
}

export const newWindows = (maxWindow: number): NpcWindows => ({
  send: new NpcSendWindow(),
  receive: new NpcReceiveWindow(undefined, maxWindow),
})

export const addNpcFrame = (list: FrameList, frame: NpcFrame): void => list.push(encodeNpcFrame(frame))
