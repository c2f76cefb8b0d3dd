import { straight } from '@sluice/net'
import type { CallerDial } from '@sluice/service'
import { TappedConn } from './cache/tapped-conn.ts'
import { StoredTarget } from './cache/visit-cache.ts'
import type { Failovers } from '../failovers.ts'
import { dialTarget } from '../target-dial.ts'
import { HostTarget } from './host-target.ts'

/** Opens a stream to a {@link HostTarget} through one of its client's programs, or what stands for a {@link StoredTarget}. @param dialMs of now */
export const hostDial =
  (dialMs: () => number, failovers: Failovers): CallerDial =>
  async (target, signal, { client: visitor }) => {
    if (target instanceof StoredTarget) return straight(target.open())
    if (!(target instanceof HostTarget)) throw new TypeError('no target of a host')
    const { live, picked, to, tap } = target
    const { proxyHeader: version } = live.record
    const proxyHeader = version && { version, to }
    const conn = await dialTarget({ live, picked, visitor, proxyHeader, signal, ms: dialMs(), failovers })
    return straight(tap === undefined ? conn : new TappedConn(conn, tap))
  }
