import { errnoOf, listen, type Listener } from '@sluice/net'
import type { Log } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { DialSession } from './dial-session.ts'
import type { Peer } from './peer.ts'
import type { DialConfig } from './peer-config.ts'
import { PeerEnd } from './peer-end.ts'

export interface DialEndOptions {
  readonly config: Pick<DialConfig, 'ops' | 'graceMs' | 'waitMs'> & { readonly listen: Address }
  readonly peer: Peer
  /** NodeID in Base58. */
  readonly target: string
  readonly log: Log
  readonly version: string
}

export interface DialEnd {
  readonly end: PeerEnd
  readonly address: Address
}

/** `relay peer dial`: a local port that leads to another peer. @throws the system's error where it cannot be bound */
export const openDialEnd = async ({
  config,
  peer,
  target,
  log,
  version,
}: DialEndOptions): Promise<DialEnd> => {
  const { listen: at, ops, graceMs, waitMs } = config
  let listener: Listener | undefined
  const onStop = (): void => {
    listener?.close()
    peer.close()
  }
  const end = new PeerEnd({ version, log, ops, graceMs, onStop })
  try {
    listener = await listen({
      ...at,
      onConn: (conn) => {
        const session = end.session({ client: formatAddress(conn.remote), peer: target })
        const dialling = new DialSession(conn, session, { peer, target, waitMs, log })
        void end.track(dialling, () => dialling.run())
      },
      onError: (error) => end.metrics.acceptFailed(errnoOf(error)),
    })
    log.announce('listening', { door: 'local', ...listener.address })
    await end.ready()
  } catch (error) {
    await end.stop()
    throw error
  }
  return { end, address: listener.address }
}
