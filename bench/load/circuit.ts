import type { Pipe } from './line.ts'

/** Both ends of a circuit, past all handshakes. */
export interface Circuit {
  readonly source: Pipe
  readonly destination: Pipe
}

/** How the load opens circuits through a relay, whatever that speaks. The one destination is reachable already. */
export interface RelayClient {
  /**
   * Gets a source as far as it can be without naming its destination.
   * @returns opens its circuit
   */
  prepare(): Promise<() => Promise<Circuit>>
}
