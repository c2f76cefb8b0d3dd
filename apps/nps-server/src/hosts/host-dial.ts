import { straight } from '@sluice/net'
import type { CallerDial } from '@sluice/service'
import type { Failovers } from '../failovers.ts'
import { dialTarget } from '../target-dial.ts'
import { HostTarget } from './host-target.ts'

/** Opens a stream to a {@link HostTarget} through one of its client's programs. @param dialMs of now */
export const hostDial =
  (dialMs: () => number, failovers: Failovers): CallerDial =>
  async (target, signal, { client: visitor }) => {
    if (!(target instanceof HostTarget)) throw new TypeError('no target of a host')
    const { live, picked, to } = target
    const { proxyHeader: version } = live.record
    const proxyHeader = version && { version, to }
    return straight(await dialTarget({ live, picked, visitor, proxyHeader, signal, ms: dialMs(), failovers }))
  }
