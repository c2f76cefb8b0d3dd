import { createMetrics, type DoorMetrics, type Metrics } from '@sluice/metrics'
import { type Log, type Ops, ServiceError, type Signalled, startOps, type UserReport } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { CircuitSession, type Traffic } from './circuit-session.ts'

const APP = 'relay-peer'

export interface PeerEndOptions {
  readonly version: string
  readonly log: Log
  readonly ops: Address | undefined
  readonly graceMs: number
  /** No more circuits from now on. */
  readonly onStop: () => void
}

/** What may be cut: a circuit, or the way to one. */
export interface Cuttable {
  readonly isCarrying: boolean
  cut(error: Error): void
}

/** What both ends of `relay peer` are to the system: circuits that run, a log, maybe an ops port, an end in good order. */
export class PeerEnd implements Signalled {
  readonly log: Log
  readonly traffic: Traffic = { open: 0, up: 0, down: 0 }
  readonly metrics: DoorMetrics
  readonly #options: PeerEndOptions
  readonly #metrics: Metrics
  readonly #sessions = new Set<Cuttable>()
  #ops: Ops | undefined = undefined
  #onEmpty: (() => void) | undefined = undefined
  #stopping: Promise<void> | undefined = undefined

  constructor(options: PeerEndOptions) {
    this.#options = options
    this.log = options.log
    this.#metrics = createMetrics({ app: APP, version: options.version })
    this.metrics = this.#metrics.door('local')
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined
  }

  /** @param fields what its line in the log says of where it is */
  session(fields: Readonly<Record<string, unknown>>): CircuitSession {
    const { log, metrics, traffic } = this
    return new CircuitSession({ fields: { door: 'local', ...fields }, log, metrics, traffic })
  }

  /** Waits with its stop until `run` is over, which never throws. */
  async track(session: Cuttable, run: () => Promise<unknown>): Promise<void> {
    this.#sessions.add(session)
    await run()
    this.#sessions.delete(session)
    if (this.#sessions.size === 0) this.#onEmpty?.()
  }

  /** The ops port, where there is to be one, and the word that it is ready. */
  async ready(): Promise<void> {
    const { ops, log } = this.#options
    if (ops !== undefined) {
      const { registry } = this.#metrics
      const ready = (): true | string => !this.isStopping || 'stopping'
      this.#ops = await startOps({ ...ops, registry, ready, users: () => this.#users(), log })
      log.announce('listening', { door: 'ops', ...this.#ops.address })
    }
    log.announce('ready')
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  hurry(): void {
    for (const session of [...this.#sessions]) session.cut(new ServiceError('SHUTDOWN'))
  }

  /** Nothing of it can change while it runs. */
  reload(): void {
    this.log.info({}, 'reload.ignored')
  }

  crashed(error: unknown): void {
    this.log.error({ err: error }, 'crashed')
  }

  /** It knows of none: they are the relay's. */
  #users(): UserReport {
    const { version } = this.#options
    return { app: APP, version, uptimeMs: performance.now(), total: 0, users: [] }
  }

  async #stop(): Promise<void> {
    this.#options.onStop()
    for (const session of [...this.#sessions]) {
      if (!session.isCarrying) session.cut(new ServiceError('SHUTDOWN'))
    }
    const grace = setTimeout(() => this.hurry(), this.#options.graceMs)
    if (this.#sessions.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve))
    clearTimeout(grace)
    await this.#ops?.close()
    await this.log.close()
  }
}
