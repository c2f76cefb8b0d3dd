import { TUNNEL_MODES, type TunnelMode } from './records.ts'

/** What nps and npc call a mode. */
export const npsModeOf = (mode: TunnelMode): string => (mode === 'mixed' ? 'mixProxy' : mode)

const MODES: ReadonlyMap<string, TunnelMode> = new Map(TUNNEL_MODES.map((mode) => [npsModeOf(mode), mode]))

/** undefined: there is no such mode here. @param npsMode what nps and npc call it */
export const modeOfNps = (npsMode: string): TunnelMode | undefined => MODES.get(npsMode)
