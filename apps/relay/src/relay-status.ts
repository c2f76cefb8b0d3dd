import type { RelayLimits } from './limits.ts'
import type { RelayDoor } from './relay-door.ts'
import type { TrafficMeter, TrafficRates } from './traffic-meter.ts'

/** What `/status` tells: how much goes on, and nothing of who does what. */
export interface RelayReport extends TrafficRates {
  readonly app: 'relay'
  readonly version: string
  /** NodeID in Base58. */
  readonly id: string
  readonly uptimeMs: number
  readonly controls: number
  readonly reservations: number
  readonly circuits: number
  readonly pendingCircuits: number
  /** Both ways, since the start. */
  readonly bytesRelayed: number
  readonly limits: RelayLimits
}

export interface StatusParts {
  readonly door: RelayDoor
  readonly version: string
  readonly meter: Pick<TrafficMeter, 'rates' | 'total'>
  /** Monotonic, ms. */
  readonly startedAt: number
}

export const relayReport = ({ door, version, meter, startedAt }: StatusParts): RelayReport => {
  const { identity, state, controls, limits } = door
  const { circuits, reservations } = state
  return {
    app: 'relay',
    version,
    id: identity.id,
    uptimeMs: Math.round(performance.now() - startedAt),
    controls: controls.all.size,
    reservations: reservations.size,
    circuits: circuits.size - circuits.pending,
    pendingCircuits: circuits.pending,
    bytesRelayed: meter.total(),
    ...meter.rates(),
    limits,
  }
}
