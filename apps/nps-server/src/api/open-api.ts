import {
  isLoopbackListener,
  type Program,
  type ProgramConfig,
  type SessionConfig,
  SignInGuard,
  signInLimits,
} from '@sluice/service'
import type { PortRange } from '@sluice/net'
import type { Address } from '@sluice/wire'
import { AddressGuard } from './address-guard.ts'
import { type ApiServer, startApi } from './api-server.ts'
import { serveConsole } from './console/serve-console.ts'
import { serveDocument } from './document.ts'
import { makeFirstToken } from './token-routes.ts'
import type { Kept, Managing } from './managing.ts'
import { apiRoutes } from './routes.ts'
import { npsApi } from './nps/nps-api.ts'
import { statusOf } from './status.ts'
import { Sessions } from './sessions.ts'
import { TokenGuard } from './token-guard.ts'
import type { Live, Sources } from './views.ts'

export interface ApiConfig extends Pick<SessionConfig, 'authFailures' | 'authBackoffMs'> {
  /** Nothing is served without. */
  readonly web: Address | undefined
  /** Of which keys for the routes of nps are made; they are not there without. */
  readonly npsApi: string | undefined
  readonly npcBridge: { readonly address: Address } | undefined
  /** Which tunnels may be opened at. */
  readonly ports: readonly PortRange[]
}

export interface OpenApiOptions {
  readonly program: Pick<Program, 'log' | 'announce' | 'onStop' | 'onReload'> & {
    readonly directory: { byId(id: string): { readonly name: string | undefined } | undefined }
  }
  readonly config: ApiConfig
  readonly registry: Live
  readonly store: Kept
  readonly manager: Managing
  /** Of the program. */
  readonly version: string
  /** Shows people a line with a secret; not the log, which is kept. @default stderr */
  readonly tell?: (line: string) => void
}

/**
 * Serves `/v1` and the console on the door `web`, until the program stops. Where there is no token yet, the first one is made and told.
 * @returns undefined where it is not asked for
 * @throws the system's error where the address cannot be bound
 */
export const openApi = async (options: OpenApiOptions): Promise<ApiServer | undefined> => {
  const { program, config, registry, store, manager, version } = options
  if (config.web === undefined) return undefined
  const { log } = program
  const sources: Sources = { store, registry, nameOf: (id) => program.directory.byId(id)?.name }
  const sessions = new Sessions()
  const routes = apiRoutes({
    store,
    manager,
    sources,
    sessions,
    log,
    status: statusOf({ version, registry, store }),
  })
  const guard = new AddressGuard(guardOf(program, config), log)
  const parts = {
    store,
    manager,
    sources,
    bridge: config.npcBridge?.address,
    ports: portsOf(program, config),
  }
  const { npsApi: secret } = config
  const server = await startApi({
    address: config.web,
    routes,
    tokens: new TokenGuard({ tokens: store.tokens, sessions, guard }),
    more: [
      serveConsole,
      serveDocument(version, routes),
      ...(secret === undefined ? [] : [npsApi({ ...parts, secret, guard, log })]),
    ],
    log,
  })
  program.onStop(() => void server.close())
  program.announce('web', server.address)
  if (!isLoopbackListener(server.address)) log.warn({ door: 'web', why: PLAIN }, 'web.plain')
  makeFirstToken(store, options.tell ?? onStderr)
  return server
}

const PLAIN = 'tokens come in clear; put TLS in front of it, or keep it on loopback'

type Reloading = Pick<Program, 'onReload'>

const guardOf = (program: Reloading, config: ApiConfig): SignInGuard => {
  const guard = new SignInGuard(signInLimits(config))
  program.onReload((next) => () => guard.set(signInLimits(next)))
  return guard
}

const portsOf = (program: Reloading, config: ApiConfig): (() => readonly PortRange[]) => {
  let { ports } = config
  program.onReload<ProgramConfig & ApiConfig>((next) => () => void ({ ports } = next))
  return () => ports
}

const onStderr = (line: string): void => void process.stderr.write(`${line}\n`)
