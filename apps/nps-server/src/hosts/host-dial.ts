import { straight } from '@sluice/net'
import type { CallerDial } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import { dialAgent } from '../tunnels/agent-dial.ts'
import { TappedConn } from './cache/tapped-conn.ts'
import { StoredTarget } from './cache/visit-cache.ts'
import { HostTarget } from './host-target.ts'

/** Opens a stream to a {@link HostTarget} through one of its client's programs, or what stands for a {@link StoredTarget}. @param dialMs of now */
export const hostDial =
  (dialMs: () => number): CallerDial =>
  async (target, signal, { client: visitor }) => {
    if (target instanceof StoredTarget) return straight(target.open())
    if (!(target instanceof HostTarget)) throw new TypeError('no target of a host')
    const { live, to, tap } = target
    const { proxyHeader: version } = live.record
    const link = { target: formatAddress(target), visitor, proxyHeader: version && { version, to } }
    const terms = { signal, ms: dialMs() }
    const conn = await dialAgent(live.client, terms, (agent, waiting) => agent.open(link, waiting))
    return straight(tap === undefined ? conn : new TappedConn(conn, tap))
  }
