import { NetError, straight } from '@sluice/net'
import { type CallerDial, ServiceError } from '@sluice/service'
import type { Link } from '../agent.ts'
import { HostTarget } from './host-target.ts'

/** Opens a stream to a {@link HostTarget} through one of its client's programs. @param dialMs of now */
export const hostDial =
  (dialMs: () => number): CallerDial =>
  async (target, signal, { client: visitor }) => {
    if (!(target instanceof HostTarget)) throw new TypeError('no target of a host')
    const { live, written, to } = target
    const { proxyHeader: version } = live.record
    const agent = live.client.agents.pick(live.client.record.selection)
    if (agent === undefined) throw new ServiceError('AGENT_OFFLINE')
    const proxyHeader = version && { version, to }
    const link: Link = { target: written, visitor, proxyHeader }
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(tooLate(written)), dialMs())
    try {
      return straight(await agent.open(link, AbortSignal.any([signal, late.signal])))
    } finally {
      clearTimeout(timer)
    }
  }

const tooLate = (target: string): NetError =>
  new NetError('DIAL_TIMEOUT', `${target}: the client did not reach it in time`)
