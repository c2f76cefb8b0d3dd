import type { Conn } from '@sluice/net'
import {
  type Handshake,
  type Program,
  runSession,
  ServiceError,
  SignInGuard,
  signInLimits,
} from '@sluice/service'
import type { NativeAgent, OnVisit } from '../bridge/index.ts'
import { acceptStream, refuseStream } from '../bridge/index.ts'
import type { NpsServerConfig } from '../config.ts'
import type { LiveTunnel, Registry } from '../registry.ts'
import { hashOfMd5 } from '../secret-hash.ts'
import { isPrivate } from '../store/record-schemas.ts'
import type { Tunnels } from './tunnels.ts'

export interface SecretVisitsOptions {
  readonly program: Program
  readonly config: NpsServerConfig
  readonly registry: Pick<Registry, 'byPasswordHash'>
  readonly tunnels: Pick<Tunnels, 'visit'>
}

/** Takes the streams of client programs to secret tunnels: each is a session like any other. */
export const secretVisits = ({ program, config, registry, tunnels }: SecretVisitsOptions): OnVisit => {
  const guard = new SignInGuard(signInLimits(config))
  program.onReload<NpsServerConfig>((next) => () => guard.set(signInLimits(next)))
  const { sessions, dial, mayReuse } = program
  const parts = { door: 'bridge', metrics: program.metrics.door('bridge'), sessions, dial, mayReuse }
  const find = (passwordMd5: string, { clientId, remote }: NativeAgent): LiveTunnel => {
    const name = `visits ${clientId}`
    guard.check(remote.host, name, false)
    const tunnel = registry.byPasswordHash(hashOfMd5(passwordMd5))
    if (tunnel !== undefined && isPrivate(tunnel.record.mode)) return tunnel
    guard.failed(remote.host, name)
    throw new ServiceError('AUTH_FAILED')
  }
  return (stream, passwordMd5, agent) => {
    const handshake: Handshake = async ({ conn }) => {
      const tunnel = await found(conn, () => find(passwordMd5, agent))
      return tunnels.visit(tunnel, {
        conn,
        visitor: agent.remote,
        protocol: 'secret',
        words: { accepted: () => acceptStream(conn), refused: (code) => refuseStream(conn, code) },
      })
    }
    void runSession(stream, handshake, parts)
  }
}

/** @throws what `find` throws, once the visitor has been told no: to all of them the same */
const found = async (conn: Conn, find: () => LiveTunnel): Promise<LiveTunnel> => {
  try {
    return find()
  } catch (error) {
    await refuseStream(conn, 'VISITOR_DENIED')
    throw error
  }
}
