import { AddressPolicy, createResolver } from '@sluice/net'
import type { Program, ProgramConfig } from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { SsNodeConfig } from '../config.ts'
import { Manager } from '../manager/manager.ts'
import { PortUsers } from '../manager/port-users.ts'
import { Register } from './register.ts'
import type { ServerPlaces } from '../user-servers.ts'
import { checkRemote, grpcAddress, type RemoteConfig } from './remote-config.ts'
import type { RemotePorts } from './remote-ports.ts'
import { openServerTls } from './server-tls.ts'
import { addSip008 } from './sip008.ts'

/** Where users are managed. */
export interface Remote {
  readonly grpc: Address | undefined
  readonly manager: Address | undefined
  readonly ssm: Address | undefined
}

/** Settings that its parts need besides their own. */
export type RemoteSettings = RemoteConfig & ProgramConfig & Pick<SsNodeConfig, 'port' | 'identityKey'>

interface Parts {
  readonly program: Program
  readonly config: RemoteSettings
  readonly ports: RemotePorts
  readonly register: Register
  readonly onFailed: (error: unknown) => void
}

const NOWHERE: Remote = { grpc: undefined, manager: undefined, ssm: undefined }

/**
 * Opens all by which users are managed from elsewhere, before the program is ready, and closes it when the program stops.
 * @throws ConfigError; StoreError; the system's error
 */
export const openRemote = async (
  program: Program,
  config: RemoteSettings,
  ports: RemotePorts,
): Promise<Remote> => {
  checkRemote(config)
  const { manager, ssm, sip008Secret } = config
  if ((grpcAddress(config) ?? manager ?? ssm ?? sip008Secret) === undefined) return NOWHERE
  const register = await Register.open(program)
  program.onStop(() => register[Symbol.dispose]())
  const onFailed = (error: unknown): void => program.log.error({ err: error }, 'remote.failed')
  const parts = { program, config, ports, register, onFailed }
  serveDocuments(parts)
  return { grpc: await serveGrpc(parts), manager: await serveManager(parts), ssm: await serveSsm(parts) }
}

const serveGrpc = async ({
  program,
  config,
  ports,
  register,
  onFailed,
}: Parts): Promise<Address | undefined> => {
  const address = grpcAddress(config)
  if (address === undefined) return undefined
  const tls = await openServerTls(program, 'grpc', config.grpcCert, config.grpcKey)
  let policy = new AddressPolicy(config.allow)
  program.onReload((next) => {
    const fresh = new AddressPolicy(next.allow)
    return () => void (policy = fresh)
  })
  const health = { policy: () => policy, resolver: createResolver() }
  // It takes a while to load.
  const { openGrpc } = await import('../grpc/grpc.ts')
  const { grpcToken: token } = config
  const server = await openGrpc({ address, register, ports, health, token, tls, onFailed })
  program.onStop(() => server.close())
  program.announce('grpc', server.address)
  return server.address
}

const serveManager = async ({ program, config, register, onFailed }: Parts): Promise<Address | undefined> => {
  const { manager: address, managerDialect: dialect, managerMethod: method } = config
  if (address === undefined) return undefined
  const users = new PortUsers(register)
  const manager = await Manager.open({ address, dialect, method, users, onFailed })
  program.onStop(() => manager.close())
  program.announce('manager', manager.address)
  return manager.address
}

const serveSsm = async ({
  program,
  config,
  ports,
  register,
  onFailed,
}: Parts): Promise<Address | undefined> => {
  const { ssm: address, ssmToken: token } = config
  if (address === undefined || token === undefined) return undefined
  const tls = await openServerTls(program, 'ssm', config.ssmCert, config.ssmKey)
  const [{ startSsm }, { SsmUsers }, { SsmCounters }] = await Promise.all([
    import('../ssm/ssm-server.ts'),
    import('../ssm/ssm-users.ts'),
    import('../ssm/ssm-stats.ts'),
  ])
  const users = new SsmUsers(register, ports)
  const server = await startSsm({ address, token, tls, users, counters: new SsmCounters(register), onFailed })
  program.onStop(() => void server.close())
  program.announce('ssm', server.address)
  return server.address
}

const serveDocuments = ({ program, config, ports, register }: Parts): void => {
  const { sip008Secret: secret, sip008Host, identityKey: identityKeys } = config
  if (secret === undefined) return
  const places = (host: string): ServerPlaces => ({
    host: sip008Host ?? host,
    port: ports.portOf({}),
    identityKeys,
  })
  program.addRoutes((app) => addSip008(app, { secret, register, places }))
}
