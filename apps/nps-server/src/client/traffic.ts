import type { Lane } from '@sluice/net'

/** Payload bytes of all streams of a client program: up is from visitors to targets. */
export interface Traffic {
  up: number
  down: number
}

/** Lanes that nothing limits: the server does that. */
export const countingLanes = (traffic: Traffic): { up: Lane; down: Lane } => ({
  up: laneOf((bytes) => void (traffic.up += bytes)),
  down: laneOf((bytes) => void (traffic.down += bytes)),
})

const laneOf = (count: (bytes: number) => void): Lane => ({ limiter: undefined, onGrant: () => {}, count })
