import type { ClientStatus, HostStatus, TunnelStatus } from '../bridge/client-status.ts'
import { BridgeError } from './bridge-error.ts'
import { TunnelClient, type TunnelClientOptions } from './tunnel-client.ts'

const DEADLINE_MS = 15_000

/** What a client has at its server. @throws BridgeError */
export const askStatus = async (
  options: Pick<TunnelClientOptions, 'enrolment' | 'version' | 'log'>,
): Promise<ClientStatus> => {
  const up = Promise.withResolvers<void>()
  const late = AbortSignal.timeout(DEADLINE_MS)
  late.addEventListener('abort', () => up.reject(new BridgeError('BRIDGE_LOST', 'no answer in 15 s')))
  const client = new TunnelClient({
    ...{ ...options, role: 'visit' },
    events: { up: () => up.resolve(), down: (error) => up.reject(error) },
  })
  client.start()
  try {
    await Promise.race([up.promise, client.ended])
    return await client.ask(late)
  } finally {
    await client.stop()
  }
}

/** A line for each tunnel and host. */
export const statusText = ({ id, remark, tunnels, hosts }: ClientStatus): string =>
  [`client ${id}${remark && ` (${remark})`}`, ...tunnels.map(tunnelLine), ...hosts.map(hostLine), ''].join(
    '\n',
  )

const tunnelLine = (tunnel: TunnelStatus): string => {
  const { id, mode, host = '', port, targets, enabled, problem } = tunnel
  const from = port === undefined ? '' : ` ${host.includes(':') ? `[${host}]` : host}:${port}`
  return `tunnel ${id}: ${mode}${from}${arrow(targets)}${stateOf(enabled, problem)}`
}

const hostLine = ({ id, host, location, scheme, targets, enabled }: HostStatus): string =>
  `host ${id}: ${scheme} ${host}${location}${arrow(targets)}${stateOf(enabled)}`

const arrow = (targets: readonly string[]): string => (targets.length > 0 ? ` -> ${targets.join(', ')}` : '')

const stateOf = (enabled: boolean, problem?: string): string => {
  if (!enabled) return ', disabled'
  return problem === undefined ? '' : `, not open: ${problem}`
}
