import { refuse } from '@sluice/net'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Peer } from './peer.ts'

/** One circuit to a peer and how long it took: to connect to the relay, log in, have the circuit and prove both peers. */
export type PingReply = { readonly ms: number; readonly relay: string } | Outcome

export interface PingResult {
  readonly peer: string
  readonly sent: number
  readonly received: number
  /** Of those that came back; null where none did. */
  readonly min: number | null
  readonly avg: number | null
  readonly max: number | null
}

const PART_MS = 200

/** So many circuits to a peer, one after the other. @param onReply told of each */
export const ping = async (
  peer: Peer,
  target: string,
  count: number,
  onReply: (reply: PingReply) => void,
): Promise<PingResult> => {
  const times: number[] = []
  for (let turn = 0; turn < count; turn++) {
    const reply = await pingOnce(peer, target)
    if ('ms' in reply) times.push(reply.ms)
    onReply(reply)
  }
  const received = times.length
  const avg = received === 0 ? null : tenths(times.reduce((sum, ms) => sum + ms, 0) / received)
  const [min, max] = received === 0 ? [null, null] : [Math.min(...times), Math.max(...times)]
  return { peer: target, sent: count, received, min, avg, max }
}

const pingOnce = async (peer: Peer, target: string): Promise<PingReply> => {
  const startedAt = performance.now()
  try {
    const { conn, relay } = await peer.dial(target)
    const ms = tenths(performance.now() - startedAt)
    // Ended, not cut: to the other peer it is a circuit like any other.
    await refuse(conn, new Uint8Array(0), PART_MS)
    return { ms, relay }
  } catch (error) {
    return outcomeOf(error)
  }
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10
