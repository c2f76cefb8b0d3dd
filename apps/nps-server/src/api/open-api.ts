import { type Program, type SessionConfig, SignInGuard } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { type ApiServer, startApi } from './api-server.ts'
import { serveDocument } from './document.ts'
import { makeFirstToken } from './token-routes.ts'
import type { Kept, Managing } from './managing.ts'
import { apiRoutes } from './routes.ts'
import { statusOf } from './status.ts'
import { TokenGuard } from './token-guard.ts'
import type { Live, Sources } from './views.ts'

export interface ApiConfig extends Pick<SessionConfig, 'authFailures' | 'authBackoffMs'> {
  /** Nothing is served without. */
  readonly web: Address | undefined
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
 * Serves `/v1` on the door `web`, until the program stops. Where there is no token yet, the first one is made and told.
 * @returns undefined where it is not asked for
 * @throws the system's error where the address cannot be bound
 */
export const openApi = async (options: OpenApiOptions): Promise<ApiServer | undefined> => {
  const { program, config, registry, store, manager, version } = options
  if (config.web === undefined) return undefined
  const sources: Sources = { store, registry, nameOf: (id) => program.directory.byId(id)?.name }
  const status = statusOf({ version, registry, store })
  const routes = apiRoutes({ store, manager, sources, status })
  const server = await startApi({
    address: config.web,
    routes,
    tokens: new TokenGuard(store.tokens, guardOf(program, config)),
    more: [serveDocument(version, routes)],
    log: program.log,
  })
  program.onStop(() => void server.close())
  program.announce('web', server.address)
  makeFirstToken(store, options.tell ?? onStderr)
  return server
}

const guardOf = (program: Pick<Program, 'onReload'>, config: ApiConfig): SignInGuard => {
  const guard = new SignInGuard(limitsOf(config))
  program.onReload((next) => () => guard.set(limitsOf(next)))
  return guard
}

const limitsOf = ({
  authFailures: failures,
  authBackoffMs: backoffMs,
}: Pick<SessionConfig, 'authFailures' | 'authBackoffMs'>): { failures: number; backoffMs: number } => ({
  failures,
  backoffMs,
})

const onStderr = (line: string): void => void process.stderr.write(`${line}\n`)
