import type { RelayLimits } from './limits.ts'

export const PRESET_NAMES = ['seed', 'public', 'private'] as const
export type PresetName = (typeof PRESET_NAMES)[number]

const MINUTE_MS = 60_000

const seed: RelayLimits = {
  reservations: 128,
  reservationsPerIp: 8,
  circuits: 16,
  circuitsPerIp: 0,
  circuitsPerPeer: 4,
  pendingPerPeer: 4,
  connectsPerMinute: 30,
  reservationTtlMs: 60 * MINUTE_MS,
  durationMs: 2 * MINUTE_MS,
  dataBytes: 0,
  rate: 1_000_000,
  globalRate: 0,
  acceptMs: 10_000,
  idleMs: 2 * MINUTE_MS,
}

/**
 * The limits to start from.
 * - `seed`: those that go-dep2p announced.
 * - `public`: for strangers, as libp2p's relays have them: enough to agree on a direct way, not to move files. A peer may
 *   have 16 circuits and an address 64, all circuits together are limited only by that; 2 min and 128 KiB each way.
 * - `private`: for one's own peers; nothing is limited.
 */
export const PRESETS: Readonly<Record<PresetName, RelayLimits>> = {
  seed,
  public: { ...seed, circuits: 0, circuitsPerIp: 64, circuitsPerPeer: 16, dataBytes: 128 * 1024, rate: 0 },
  private: {
    ...seed,
    reservations: 0,
    reservationsPerIp: 0,
    circuits: 0,
    circuitsPerIp: 0,
    circuitsPerPeer: 0,
    pendingPerPeer: 0,
    connectsPerMinute: 0,
    durationMs: 0,
    rate: 0,
    idleMs: 0,
  },
}
