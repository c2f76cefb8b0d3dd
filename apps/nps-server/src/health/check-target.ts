import { type Conn, NetError, Reader } from '@sluice/net'
import { type Address, createResponseHeadDecoder, encodeRequestHead, formatAddress } from '@sluice/wire'
import type { HealthCheck } from '../records.ts'
import type { LiveHost, LiveTunnel } from '../registry.ts'
import { dialAgent } from '../tunnels/agent-dial.ts'

/** Of a response; whoever sends more in front of its body is not well. */
const MAX_HEAD_BYTES = 16 * 1024

/** Nobody: it is we who ask. */
const NOBODY: Address = { host: '127.0.0.1', port: 0 }

/**
 * Asks a target, through its client, whether it is there.
 * @throws why not: ServiceError AGENT_OFFLINE where nobody could ask, NetError, WireError; the reason of `signal`
 */
export const checkTarget = async (
  { client, record }: LiveTunnel | LiveHost,
  target: Address,
  { type, path = '/', timeoutMs: ms }: HealthCheck,
  signal: AbortSignal,
): Promise<void> => {
  const { proxyHeader: version } = record
  const proxyHeader = version && { version, to: NOBODY }
  const link = { target: formatAddress(target), visitor: NOBODY, proxyHeader }
  await dialAgent(client, { signal, ms }, async (agent, waiting) => {
    const conn = await agent.open(link, waiting)
    try {
      if (type === 'http') await asksHttp(conn, { target, path }, waiting)
      // It says nothing of a target that it cannot reach, but ends the stream.
      else if (agent.kind === 'npc') await staysOpen(conn, ms / 2, waiting)
    } finally {
      conn.destroy()
    }
  })
}

const asksHttp = async (
  conn: Conn,
  { target, path }: { readonly target: Address; readonly path: string },
  signal: AbortSignal,
): Promise<void> => {
  const reader = new Reader(conn, MAX_HEAD_BYTES)
  using _ = onAbort(signal, (reason) => reader.fail(reason))
  const fields = [
    ['Host', formatAddress(target)],
    ['User-Agent', 'Sluice'],
    ['Connection', 'close'],
  ] as const
  conn.write(encodeRequestHead({ method: 'GET', target: path, version: '1.1', fields }))
  const { status } = await reader.read(createResponseHeadDecoder())
  if (status < 200 || status > 399) throw new NetError('DIAL_FAILED', `it answers with status ${status}`)
}

const staysOpen = (conn: Conn, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const over = (): void => reject(new NetError('DIAL_FAILED', 'the client has ended the stream'))
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    conn.attach({
      onData: () => resolve(),
      onEnd: over,
      onDrain: () => {},
      onClose: () => {
        clearTimeout(timer)
        over()
      },
    })
    conn.resume()
  })

const onAbort = (signal: AbortSignal, tell: (reason: Error) => void): Disposable => {
  const aborted = (): void => tell(signal.reason as Error)
  signal.addEventListener('abort', aborted)
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', aborted) }
}
