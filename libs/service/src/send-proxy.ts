import { AddressSet, type Conn, type DialTerms, writeProxyHeader } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { ConfigError } from './config-error.ts'
import type { Caller } from './request.ts'
import type { SessionConfig } from './session-config.ts'

/** A dial from this machine, for somebody; a `TcpDial` of @sluice/net is one. */
export type DirectDial = (
  target: Address,
  signal: AbortSignal,
  terms: DialTerms,
  caller: Caller,
) => Promise<Conn>

/**
 * What `--send-proxy` makes of a dial: whoever it reaches in `--send-proxy-to` is first sent a PROXY header with the
 * address of the client.
 * @throws ConfigError where only half of it is set
 */
export const sendProxyHeaders = ({
  sendProxy,
  sendProxyTo,
}: Pick<SessionConfig, 'sendProxy' | 'sendProxyTo'>): ((dial: DirectDial) => DirectDial) => {
  if ((sendProxy === undefined) !== (sendProxyTo.length === 0)) {
    throw new ConfigError('CONFIG_INVALID', '--send-proxy and --send-proxy-to want each other')
  }
  if (sendProxy === undefined) return (dial) => dial
  const version = sendProxy === 'v1' ? 1 : 2
  const targets = new AddressSet(sendProxyTo)
  return (dial) => async (target, signal, terms, caller) => {
    const conn = await dial(target, signal, terms, caller)
    if (targets.has(conn.remote.host)) writeProxyHeader(conn, version, caller.client)
    return conn
  }
}
