import { type Conn, NetError } from '@sluice/net'
import { ServiceError } from '@sluice/service'
import type { Agent } from '../agent.ts'
import type { LiveClient } from '../registry.ts'

/**
 * Asks one of the client's programs for a stream, within a deadline.
 * @throws ServiceError AGENT_OFFLINE; NetError DIAL_TIMEOUT; what `ask` throws; the reason of `signal`
 */
export const dialAgent = async <T = Conn>(
  client: LiveClient,
  { signal, ms }: { readonly signal: AbortSignal; readonly ms: number },
  ask: (agent: Agent, signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  signal.throwIfAborted()
  const agent = client.agents.pick(client.record.selection)
  if (agent === undefined) throw new ServiceError('AGENT_OFFLINE')
  const waiting = new AbortController()
  const giveUp = (): void => waiting.abort(signal.reason)
  const late = (): void => waiting.abort(new NetError('DIAL_TIMEOUT', 'the client did not answer in time'))
  const timer = setTimeout(late, ms)
  signal.addEventListener('abort', giveUp)
  try {
    return await ask(agent, waiting.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}
