import type { Conn } from '@sluice/net'
import { connPair, memoryConns, NEVER, tlsPair } from '@sluice/net/testing'
import type { Mux, MuxOptions } from '../mux.ts'
import { NpcMux, type NpcMuxOptions } from '../npc-mux.ts'
import { YamuxMux } from '../yamux-mux.ts'

/** Two muxes over one carrier, and what they tell. */
export class MuxEnds<M extends Mux> {
  readonly near: M
  readonly far: M
  /** The streams that `near` has opened, as `far` has them. */
  readonly accepted: Conn[] = []
  /** What each was told at its end. */
  readonly ends: Record<'near' | 'far', (Error | undefined)[]> = { near: [], far: [] }

  constructor(
    Kind: new (options: MuxOptions) => M,
    [conn, peer]: readonly Conn[],
    near: Partial<MuxOptions> = {},
    far: Partial<NpcMuxOptions> = {},
  ) {
    const onStream = (stream: Conn): void => void this.accepted.push(stream)
    this.near = new Kind({
      conn: conn!,
      isOpener: true,
      onClose: (error) => this.ends.near.push(error),
      ...near,
    })
    this.far = new Kind({ conn: peer!, onStream, onClose: (error) => this.ends.far.push(error), ...far })
  }

  close(): void {
    this.near.close()
    this.far.close()
  }
}

export const carriers: Readonly<Record<string, () => Promise<readonly Conn[]>>> = {
  memory: () => Promise.resolve(memoryConns()),
  TCP: async () => Object.values(await connPair()),
  TLS: async () => Object.values(await tlsPair()),
}

/** One kind of mux, and how streams of it come to be. */
export interface MuxKind {
  readonly Kind: new (options: MuxOptions) => Mux
  readonly hasHalfClose: boolean
  readonly open: (mux: Mux) => Promise<Conn>
}

export const kinds: Readonly<Record<string, MuxKind>> = {
  yamux: { Kind: YamuxMux, hasHalfClose: true, open: async (mux) => (mux as YamuxMux).open() },
  npc: { Kind: NpcMux, hasHalfClose: false, open: (mux) => (mux as NpcMux).open(NEVER) },
}
