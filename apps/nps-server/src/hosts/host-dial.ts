import { straight } from '@sluice/net'
import type { CallerDial } from '@sluice/service'
import { formatAddress } from '@sluice/wire'
import { dialAgent } from '../tunnels/agent-dial.ts'
import { HostTarget } from './host-target.ts'

/** Opens a stream to a {@link HostTarget} through one of its client's programs. @param dialMs of now */
export const hostDial =
  (dialMs: () => number): CallerDial =>
  async (target, signal, { client: visitor }) => {
    if (!(target instanceof HostTarget)) throw new TypeError('no target of a host')
    const { live, to } = target
    const { proxyHeader: version } = live.record
    const link = { target: formatAddress(target), visitor, proxyHeader: version && { version, to } }
    const terms = { signal, ms: dialMs() }
    return straight(await dialAgent(live.client, terms, (agent, waiting) => agent.open(link, waiting)))
  }
