import { createMetrics, type Metrics } from '@sluice/metrics'
import { errnoOf, listen, type Listener } from '@sluice/net'
import { type Log, type Ops, type Signalled, startOps, type UserReport } from '@sluice/service'
import type { Address } from '@sluice/wire'
import type { LocalConfig } from './local-config.ts'
import { LocalSession } from './local-session.ts'
import type { ServerAccess } from './server-access.ts'
import { ServerLink } from './server-link.ts'

const APP = 'remote-proxy-local'

export interface LocalEndOptions {
  readonly config: Pick<LocalConfig, 'listen' | 'proto' | 'ops' | 'graceMs'>
  readonly access: ServerAccess
  readonly log: Log
  readonly version: string
}

/** The end of a tunnel on the user's own machine: programs come in without a password, it signs in for them. */
export class LocalEnd implements Signalled {
  readonly #options: LocalEndOptions
  readonly #metrics: Metrics
  readonly #link: ServerLink
  readonly #sessions = new Set<LocalSession>()
  #listener: Listener | undefined = undefined
  #ops: Ops | undefined = undefined
  #onEmpty: (() => void) | undefined = undefined
  #stopping: Promise<void> | undefined = undefined

  /** Listens, and says so. @throws the system's error where an address cannot be bound */
  static async start(options: LocalEndOptions): Promise<LocalEnd> {
    const end = new LocalEnd(options)
    try {
      await end.#open()
      return end
    } catch (error) {
      await end.stop()
      throw error
    }
  }

  private constructor(options: LocalEndOptions) {
    const { access, log, version } = options
    this.#options = options
    this.#metrics = createMetrics({ app: APP, version })
    this.#link = new ServerLink({ access, log })
  }

  /** Where it listens. */
  get address(): Address {
    return this.#listener!.address
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  hurry(): void {
    for (const session of [...this.#sessions]) session.cut()
  }

  /** Nothing of it can change while it runs. */
  reload(): void {
    this.#options.log.info({}, 'reload.ignored')
  }

  crashed(error: unknown): void {
    this.#options.log.error({ err: error }, 'crashed')
  }

  async #open(): Promise<void> {
    const { config, log } = this.#options
    const metrics = this.#metrics.door('local')
    const parts = { link: this.#link, proto: config.proto, log, metrics }
    this.#listener = await listen({
      ...config.listen,
      onConn: (conn) => void this.#serve(new LocalSession(conn, parts)),
      onError: (error) => metrics.acceptFailed(errnoOf(error)),
    })
    log.announce('listening', { door: 'local', ...this.#listener.address })
    if (config.ops !== undefined) {
      const { registry } = this.#metrics
      const ready = (): true | string => this.#stopping === undefined || 'stopping'
      this.#ops = await startOps({ ...config.ops, registry, ready, users: () => this.#users(), log })
      log.announce('listening', { door: 'ops', ...this.#ops.address })
    }
    log.announce('ready')
  }

  /** It knows of none: they are the server's. */
  #users(): UserReport {
    const { version } = this.#options
    return { app: APP, version, uptimeMs: performance.now(), total: 0, users: [] }
  }

  async #serve(session: LocalSession): Promise<void> {
    this.#sessions.add(session)
    await session.run()
    this.#sessions.delete(session)
    if (this.#sessions.size === 0) this.#onEmpty?.()
  }

  async #stop(): Promise<void> {
    this.#listener?.close()
    for (const session of [...this.#sessions]) session.drain()
    const grace = setTimeout(() => this.hurry(), this.#options.config.graceMs)
    if (this.#sessions.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve))
    clearTimeout(grace)
    await this.#ops?.close()
    await this.#options.log.close()
  }
}
