import type { SsKey } from '@sluice/wire/shadowsocks'
import type { SsNodeConfig } from '../config.ts'
import type { Ports } from '../ports.ts'
import { SHARED_PORT } from '../ss-user.ts'
import type { SsCredential } from './ss-credential.ts'

/** What those who manage users from afar need of the ports. */
export interface RemotePorts {
  /** Whether a port is open for the user. */
  isServed(userId: string): boolean
  /** Where it is served, or would be; undefined where there is no such port. */
  portOf(credential: Pick<SsCredential, 'port'>): number | undefined
  /** Of a port where clients say in identity headers who they are. */
  serverKey(port: number): SsKey | undefined
  /** The port that users of the management API share; undefined where there is none. */
  shared(): SharedPort | undefined
}

export interface SharedPort {
  readonly port: number
  /** It is the one of users who have none of their own. */
  readonly isUsual: boolean
  /** Of users that are added. */
  readonly method: string
}

/** Where the shared port has no key of a server. */
const USUAL_METHOD = 'chacha20-ietf-poly1305'

export const remotePorts = (
  ports: Pick<Ports, 'users' | 'open'>,
  { port: configured, identityKey }: Pick<SsNodeConfig, 'port' | 'identityKey'>,
): RemotePorts => {
  const usual = (): number | undefined => ports.open.get(SHARED_PORT)?.address.port ?? configured
  const isOpen = (port: number): boolean =>
    ports.open.has(port === configured || port === usual() ? SHARED_PORT : port)
  const numberOf = (port: number): number => (port === configured ? (usual() ?? port) : port)
  const serverKey = (port: number): SsKey | undefined =>
    identityKey.find((each) => numberOf(each.port) === port)?.key
  return {
    isServed: (userId) => ports.users.some(({ account, port }) => account.user.id === userId && isOpen(port)),
    portOf: ({ port }) => port ?? usual(),
    serverKey,
    shared: () => {
      const port = usual() ?? identityKey[0]?.port
      if (port === undefined) return undefined
      const method = serverKey(port)?.method.name ?? USUAL_METHOD
      return { port, isUsual: port === usual(), method }
    },
  }
}
