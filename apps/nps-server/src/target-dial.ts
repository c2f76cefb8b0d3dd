import { type Conn, NET_ERROR_CODES } from '@sluice/net'
import { codeOf } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import type { Link } from './agent.ts'
import type { Failovers } from './failovers.ts'
import type { LiveHost, LiveTunnel } from './registry.ts'
import type { Picked } from './target-picker.ts'
import { dialAgent } from './tunnels/agent-dial.ts'

export interface TargetDial {
  readonly live: LiveTunnel | LiveHost
  /** Where to; afterwards it says where it went, or where it failed last. */
  readonly picked: Picked
  readonly visitor: Link['visitor']
  readonly proxyHeader: Link['proxyHeader']
  readonly signal: AbortSignal
  /** For all targets together: each gets an equal part of what is left. */
  readonly ms: number
  readonly failovers: Failovers
}

/** Another target may do better. One that the client denies is a setting, which nobody would find out about. */
const OF_ONE_TARGET: ReadonlySet<string> = new Set(NET_ERROR_CODES.filter((code) => code.startsWith('DIAL_')))

/**
 * Opens a stream to the target that was picked; where that cannot be reached, to each of the others in turn, once.
 * @throws as `dialAgent`, of the last one
 */
export const dialTarget = async (dial: TargetDial): Promise<Conn> => {
  const { picked, ms } = dial
  const endsAt = performance.now() + ms
  for (;;) {
    const left = Math.max(1, endsAt - performance.now())
    try {
      return await dialOne(dial, left / (picked.others + 1))
    } catch (error) {
      if (!goesOn(dial, error, endsAt)) throw error
    }
  }
}

const dialOne = ({ live, picked, visitor, proxyHeader, signal }: TargetDial, ms: number): Promise<Conn> => {
  const link = { target: formatAddress(picked.address), visitor, proxyHeader }
  return dialAgent(live.client, { signal, ms }, (agent, waiting) => agent.open(link, waiting))
}

const goesOn = ({ live, picked, signal, failovers }: TargetDial, error: unknown, endsAt: number): boolean => {
  const code = codeOf(error)
  if (signal.aborted || !OF_ONE_TARGET.has(code) || performance.now() >= endsAt) return false
  const target = formatAddress(picked.address)
  if (!picked.next()) return false
  failovers.note({ kind: live.kind === 'host' ? 'host' : 'tunnel', id: live.record.id, target, code })
  return true
}
