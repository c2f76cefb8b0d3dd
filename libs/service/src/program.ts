import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMetrics, type Metrics } from '@sluice/metrics'
import { AddressPolicy, createDial, type Dial, errnoOf, listen, type Listener } from '@sluice/net'
import { Shaper } from '@sluice/ratelimit'
import { openStore, type UserStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import type { AccountDefaults } from './account.ts'
import type { BaseConfig } from './config.ts'
import { Directory } from './directory.ts'
import { Ledger } from './ledger.ts'
import { createLog, type Log } from './log.ts'
import { type Ops, startOps } from './ops.ts'
import { createReporter, type Reporter } from './report.ts'
import { Seldom } from './seldom.ts'
import { type Handshake, runSession } from './session.ts'
import { Sessions } from './sessions.ts'
import { nodeLimits, type SessionConfig } from './session-config.ts'

/** What any program can be told. */
export type ProgramConfig = BaseConfig & SessionConfig

export interface ProgramOptions {
  readonly app: string
  readonly version: string
  readonly config: ProgramConfig
  readonly defaults?: AccountDefaults
  readonly env?: Readonly<Record<string, string | undefined>>
  /** @default lines on stdout */
  readonly log?: Log
}

/** Twice in the second of usage that a crash may cost, since the store needs some of it too. */
const TICK_MS = 500
/** How long usage that the store does not take is tried again at the end, and reports are sent. */
const LAST_WORDS_MS = 5000

/** Where a program keeps its users and their usage. */
export const storeUrl = ({ data, store }: Pick<BaseConfig, 'data' | 'store'>): string => {
  if (store !== undefined) return store
  mkdirSync(data, { recursive: true, mode: 0o700 })
  return `sqlite:${join(data, 'sluice.db')}`
}

/** Everything that the doors of one process share: users, limits, usage, log, metrics, and how it all stops. */
export class Program {
  readonly log: Log
  readonly metrics: Metrics
  readonly shaper: Shaper
  readonly directory: Directory
  readonly sessions: Sessions
  readonly store: UserStore
  readonly dial: Dial
  readonly #options: ProgramOptions
  readonly #reporter: Reporter
  readonly #ledger: Ledger
  readonly #listeners: Listener[] = []
  readonly #seldom = new Seldom(60_000)
  readonly #ticking: NodeJS.Timeout
  #ops: Ops | undefined = undefined
  #state: true | string = 'starting'
  #stopping: Promise<void> | undefined = undefined

  /** Opens the store and reads the users; listens nowhere yet. @throws StoreError */
  static async start(options: ProgramOptions): Promise<Program> {
    const store = await openStore(storeUrl(options.config))
    const program = new Program(options, store)
    try {
      await program.directory.start()
    } catch (error) {
      await program.stop()
      throw error
    }
    return program
  }

  private constructor(options: ProgramOptions, store: UserStore) {
    const { app, version, config, env = process.env } = options
    this.#options = options
    this.store = store
    this.log = options.log ?? createLog({ level: config.logLevel })
    this.metrics = createMetrics({ app, version })
    this.#reporter = createReporter({ env, app, version, log: this.log })
    this.shaper = new Shaper(nodeLimits(config))
    this.directory = new Directory({
      store,
      shaper: this.shaper,
      defaults: options.defaults ?? {},
      onError: (error) => {
        if (this.#seldom.due('store.unreadable')) this.log.error({ err: error }, 'store.unreadable')
      },
    })
    this.#ledger = new Ledger({
      store,
      directory: this.directory,
      node: `${store.installId}:${app}:${randomUUID()}`,
      log: this.log,
      onBatch: (result) => this.metrics.ledgerBatch(result),
    })
    this.sessions = new Sessions({
      directory: this.directory,
      log: this.log,
      handshakeMs: config.handshakeMs,
      idleMs: config.idleMs,
      unauthenticatedPerIp: config.unauthenticatedPerIp,
      onInternal: (error) => this.#reporter.report(error, { code: 'INTERNAL' }),
    })
    const policy = new AddressPolicy(config.allow, () => this.#addresses())
    this.dial = createDial({ policy, deadlineMs: config.dialMs })
    this.metrics.sources.ledger = (): { pendingBytes: number; lagMs: number } => this.#ledger.pending()
    this.metrics.sources.users = (): Record<string, number> => this.#userStates()
    this.#ticking = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Opens a listener whose conns are all led through `handshake`. @throws the system's error */
  async listen(door: string, { host, port }: Address, handshake: Handshake): Promise<Address> {
    const metrics = this.metrics.door(door)
    const parts = { door, metrics, sessions: this.sessions, dial: this.dial }
    const listener = await listen({
      host,
      port,
      onConn: (conn) => void runSession(conn, handshake, parts),
      onError: (error) => {
        const errno = errnoOf(error)
        metrics.acceptFailed(errno)
        if (this.#seldom.due(`${door} ${errno}`)) this.log.warn({ door, err: error }, 'accept.failed')
      },
    })
    this.#listeners.push(listener)
    this.log.announce('listening', { door, ...listener.address })
    return listener.address
  }

  /** Opens the ops endpoint, where there is to be one, and tells that all is up. */
  async ready(): Promise<Address | undefined> {
    const { ops } = this.#options.config
    if (ops !== undefined) {
      const { registry } = this.metrics
      this.#ops = await startOps({ ...ops, registry, ready: () => this.#state, log: this.log })
      this.log.announce('listening', { door: 'ops', ...this.#ops.address })
    }
    this.#state = true
    this.log.announce('ready')
    return this.#ops?.address
  }

  /** Takes over what can change while running: the node's limits and the log level. */
  reload(config: ProgramConfig): void {
    this.shaper.set(nodeLimits(config))
    this.sessions.relimit()
    this.log.level = config.logLevel
    this.log.info({}, 'reloaded')
  }

  /** Drains: accepts no more, lets sessions end within the grace, books their usage, lets go of everything. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Ends a drain that is under way: all sessions now. */
  hurry(): void {
    this.sessions.cutAll('SHUTDOWN')
  }

  /** A failure that nobody caught: told, and then the program stops. */
  crashed(error: unknown): void {
    this.log.error({ err: error }, 'crashed')
    this.#reporter.report(error, { code: 'INTERNAL' })
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping'
    for (const listener of this.#listeners) listener.close()
    const grace = setTimeout(() => this.hurry(), this.#options.config.graceMs)
    await this.sessions.drained()
    clearTimeout(grace)
    clearInterval(this.#ticking)
    this.directory.stop()
    this.shaper.close()
    await this.#ledger.stop(LAST_WORDS_MS, sleep)
    await this.#closed(this.store.close())
    await this.#closed(this.#ops?.close())
    await this.#closed(this.#reporter.close(LAST_WORDS_MS))
    await this.log.close()
  }

  /** One thing that does not close must not keep the others open. */
  async #closed(closing: Promise<void> | undefined): Promise<void> {
    try {
      await closing
    } catch (error) {
      this.log.error({ err: error }, 'stop.failed')
    }
  }

  #tick(): void {
    void this.#ledger.flush()
    this.sessions.sweep()
  }

  #addresses(): Address[] {
    const addresses = this.#listeners.map((listener) => listener.address)
    return this.#ops === undefined ? addresses : [...addresses, this.#ops.address]
  }

  #userStates(): Record<string, number> {
    const states: Record<string, number> = { active: 0, disabled: 0, expired: 0, quota: 0 }
    const now = Date.now()
    for (const account of this.directory.accounts()) states[account.state(now)]! += 1
    return states
  }
}
