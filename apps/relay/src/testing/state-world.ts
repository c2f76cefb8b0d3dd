import { ManualClock } from '@sluice/ratelimit'
import { formatNodeId, type RelayFrame, type RelayStatus } from '@sluice/wire/relay'
import type { CircuitEvent } from '../circuits.ts'
import type { RelayLimits } from '../limits.ts'
import { PRESETS } from '../presets.ts'
import type { RelayPeer } from '../relay-peer.ts'
import { RelayRefusal } from '../relay-refusal.ts'
import { RelayState } from '../relay-state.ts'
import type { Control, ReservationEvent } from '../reservations.ts'

/** A peer whose NodeID is 32 times this octet. */
export const peerOf = (octet: number, ip = '192.0.2.1'): RelayPeer => {
  const nodeId = new Uint8Array(32).fill(octet)
  return { id: formatNodeId(nodeId), nodeId, publicKey: new Uint8Array(32).fill(octet + 100), ip }
}

/** A control conn that writes down what it is told. */
export class FakeControl implements Control {
  readonly peer: RelayPeer
  readonly frames: RelayFrame[] = []
  readonly dismissals: RelayStatus[] = []

  constructor(octet: number, ip?: string) {
    this.peer = peerOf(octet, ip)
  }

  send(frame: RelayFrame): void {
    this.frames.push(frame)
  }

  dismiss(status: RelayStatus): void {
    this.dismissals.push(status)
  }

  /** The frames of a type, in their order. */
  heard<K extends RelayFrame['type']>(type: K): Extract<RelayFrame, { type: K }>[] {
    return this.frames.filter((frame): frame is Extract<RelayFrame, { type: K }> => frame.type === type)
  }
}

export const WALL_START = 1_700_000_000_000
export const RELAY: RelayPeer = peerOf(255)

export interface StateWorld {
  readonly clock: ManualClock
  readonly state: RelayState<FakeControl, string>
  readonly events: (ReservationEvent | CircuitEvent)[]
}

/** A state at rest whose random octets count up. */
export function stateWorld(limits: Partial<RelayLimits> = {}): StateWorld {
  const clock = new ManualClock()
  const events: StateWorld['events'] = []
  let count = 0
  const state = new RelayState<FakeControl, string>({
    limits: { ...PRESETS.seed, ...limits },
    clock,
    wallNow: () => WALL_START + clock.now(),
    random: (size) => {
      count += 1
      const bytes = new Uint8Array(size)
      new DataView(bytes.buffer).setUint32(0, count)
      return bytes
    },
    self: RELAY.id,
    onReservation: (event) => events.push(event),
    onCircuit: (event) => events.push(event),
  })
  return { clock, state, events }
}

/** What a refusal says, `STATUS` or `STATUS limit`; 'OK' where there is none. */
export function refusalOf(act: () => unknown): string {
  try {
    act()
    return 'OK'
  } catch (error) {
    if (!(error instanceof RelayRefusal)) throw error
    return error.limit === undefined ? error.code : `${error.code} ${error.limit}`
  }
}
