import { createMetrics } from '@sluice/metrics'
import { type Log, type Ops, type Signalled, startOps } from '@sluice/service'
import { type Address, formatAddress } from '@sluice/wire'
import { TunnelClient, type TunnelClientOptions } from './tunnel-client.ts'

export interface ClientRunnerOptions {
  readonly version: string
  readonly log: Log
  readonly client: Pick<TunnelClientOptions, 'enrolment' | 'allow' | 'files' | 'listing' | 'graceMs' | 'role'>
  readonly ops?: Address | undefined
  /** Told once, when the server has let the client in for the first time. */
  readonly onReady: () => void
}

/** A client program as the system sees it: a log, maybe an ops port, an end in good order. */
export class ClientRunner implements Signalled {
  readonly client: TunnelClient
  /** Has something let go of at the beginning of the stop. */
  onStop: () => void = () => {}
  readonly #options: ClientRunnerOptions
  #ops: Ops | undefined = undefined
  #isReady = false
  /** Why there is no connection, as was told. */
  #why: string | undefined = undefined
  #stopping: Promise<void> | undefined = undefined

  constructor(options: ClientRunnerOptions) {
    const { log, version, client } = options
    this.#options = options
    this.client = new TunnelClient({
      ...{ ...client, log, version },
      events: {
        up: (at, terms) => this.#up(at, terms.client),
        down: (error) => this.#down(error),
      },
    })
  }

  /** @throws the system's error where the ops port cannot be had */
  async start(): Promise<void> {
    const { ops, log, version } = this.#options
    if (ops !== undefined) {
      const { registry } = createMetrics({ app: APP, version })
      const ready = (): true | string => this.client.status.server !== undefined || 'not connected'
      this.#ops = await startOps({ ...ops, registry, ready, users: () => this.#users(), log })
      log.announce('listening', { door: 'ops', ...this.#ops.address })
    }
    this.client.start()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  hurry(): void {
    this.client.hurry()
  }

  /** Nothing of it can change while it runs. */
  reload(): void {
    this.#options.log.info({}, 'reload.ignored')
  }

  crashed(error: unknown): void {
    this.#options.log.error({ err: error }, 'crashed')
  }

  async #stop(): Promise<void> {
    this.onStop()
    await this.client.stop()
    await this.#ops?.close()
    await this.#options.log.close()
  }

  #up(at: Address, client: number): void {
    this.#why = undefined
    this.#options.log.info({ server: formatAddress(at), client }, 'bridge.up')
    if (this.#isReady) return
    this.#isReady = true
    this.#options.onReady()
  }

  /** Told once for each reason: it is tried again every few seconds, for as long as it takes. */
  #down({ message: why }: Error): void {
    if (why !== this.#why) this.#options.log.warn({ why }, 'bridge.down')
    this.#why = why
  }

  /** It knows of none: they are the server's. */
  #users(): object {
    return { app: APP, version: this.#options.version, uptimeMs: performance.now(), total: 0, users: [] }
  }
}

const APP = 'nps-client'
