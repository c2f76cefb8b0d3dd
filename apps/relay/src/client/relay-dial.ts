import { type Conn, connectTls, createDial, type Dial } from '@sluice/net'
import { requestWebSocket } from '@sluice/net/ws'
import { formatAddress } from '@sluice/wire'
import type { RelayAddress, RelayTransport } from '@sluice/wire/relay'
import { SUBPROTOCOL } from '../transport.ts'
import { ConnPort } from './conn-port.ts'

export interface RelayDialOptions {
  /**
   * Checks the relay's certificate as browsers do, as it has to be where something in front of the relay ends TLS. Without,
   * any will do, since the relay's proof of its identity is bound to the very connection.
   */
  readonly checksCertificate: boolean
  /** @default to anywhere: a user's own relay may stand on this machine */
  readonly dial?: Dial | undefined
}

const anywhere = createDial({ policy: { check: () => {} } })

export const isSecure = (transport: RelayTransport): boolean => transport === 'tls' || transport === 'wss'

/**
 * Dials a relay in its transport.
 * @throws NetError DIAL_*, TLS_FAILED, CLIENT_*; WebSocketError; the signal's reason
 */
export const dialRelay = async (
  { transport, address }: RelayAddress,
  { checksCertificate, dial = anywhere }: RelayDialOptions,
  signal: AbortSignal,
): Promise<ConnPort> => {
  let conn: Conn = await dial(address, signal)
  if (isSecure(transport)) {
    await connectTls(conn, { name: address.host, takesAnyCert: !checksCertificate }, signal)
  }
  if (transport === 'ws' || transport === 'wss') {
    const url = `${transport}://${formatAddress(address)}/`
    conn = await requestWebSocket(conn, url, { signal, subprotocol: SUBPROTOCOL })
  }
  return new ConnPort(conn)
}
