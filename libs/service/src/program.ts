import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMetrics, type Metrics } from '@sluice/metrics'
import { AddressSet, type Listener, type OnDatagram } from '@sluice/net'
import { Shaper } from '@sluice/ratelimit'
import { openStore, type UserStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { AccessLog } from './access-log.ts'
import type { DeviceRules } from './devices.ts'
import { Directory } from './directory.ts'
import { Ledger } from './ledger.ts'
import {
  type AnnounceOptions,
  type DatagramListener,
  type ListenerOptions,
  Listeners,
  type OwnParts,
} from './listeners.ts'
import { createLog, type Log } from './log.ts'
import { type Ops, type OpsRoutes, startOps } from './ops.ts'
import type { ProgramConfig, ProgramOptions } from './program-options.ts'
import { type Prepare, takeOver } from './reload.ts'
import { createReporter, type Reporter } from './report.ts'
import { Seldom } from './seldom.ts'
import type { CallerDial, CallerLocate, CallerMayReuse, Handshake } from './request.ts'
import { Sessions } from './sessions.ts'
import { deviceLimits, nodeLimits, signInLimits } from './session-config.ts'
import { SignInGuard } from './sign-in-guard.ts'
import { storeUrl } from './store-url.ts'
import { userReport, userStates } from './user-status.ts'
import { createWayOut, type WayOut } from './way-out.ts'

/** Twice in the second of usage that a crash may cost, since the store needs some of it too. */
const TICK_MS = 500
/** How long usage that the store does not take is tried again at the end, and reports are sent. */
const LAST_WORDS_MS = 5000

/** Everything that the doors of one process share: users, limits, usage, log, metrics, and how it all stops. */
export class Program {
  readonly log: Log
  readonly metrics: Metrics
  /** Of the node, and of its users unless they are limited apart from it. */
  readonly shaper: Shaper
  readonly directory: Directory
  readonly sessions: Sessions
  readonly store: UserStore
  /** What clients asked for; undefined where it is not kept in a file. */
  readonly accessLog: AccessLog | undefined
  /** What is to be done at the end, once all usage is booked and before the store closes. */
  readonly beforeClose: (() => Promise<void>)[] = []
  readonly dial: CallerDial = (target, signal, caller, use) => this.#wayOut.dial(target, signal, caller, use)
  readonly mayReuse: CallerMayReuse = (route, target, caller) => this.#wayOut.mayReuse(route, target, caller)
  readonly locate: CallerLocate = (target, caller) => this.#wayOut.locate(target, caller)
  readonly #doors: readonly string[]
  readonly #reporter: Reporter
  readonly #ledger: Ledger
  readonly #listeners: Listeners
  readonly #devices: DeviceRules
  readonly #users: Shaper
  readonly #routes: OpsRoutes[] = []
  readonly #onStop: (() => void)[] = []
  readonly #seldom = new Seldom(60_000)
  readonly #ticking: NodeJS.Timeout
  #wayOut: WayOut
  #balancers: AddressSet
  readonly #guard: SignInGuard
  readonly #parts: Prepare[] = [(config) => this.#prepare(config), () => this.#listeners.tls.prepare()]
  readonly #about: { app: string; version: string }
  #config: ProgramConfig
  #configAt = Date.now()
  #ops: Ops | undefined = undefined
  #state: true | string = 'starting'
  #unready: string | undefined = undefined
  #stopping: Promise<void> | undefined = undefined

  /** Opens the store and reads the users; listens nowhere yet. @throws StoreError, ConfigError */
  static async start(options: ProgramOptions): Promise<Program> {
    const store = await openStore(storeUrl(options.config))
    let program: Program | undefined
    try {
      program = new Program(options, store)
      await program.directory.start()
      return program
    } catch (error) {
      await (program?.stop() ?? store.close())
      throw error
    }
  }

  private constructor(options: ProgramOptions, store: UserStore) {
    const { app, version, config, env = process.env } = options
    this.#config = config
    this.#about = { app, version }
    this.#doors = options.doors ?? []
    this.store = store
    this.log = options.log ?? createLog({ level: config.logLevel })
    this.metrics = createMetrics({ app, version })
    const { accessLog: path, accessLogFormat: format } = config
    const onLost = (lines: number): void => this.metrics.accessLogLost(lines)
    this.accessLog = AccessLog.open({ path, format, log: this.log, onLost })
    this.#reporter = createReporter({ env, app, version, log: this.log })
    this.shaper = new Shaper(nodeLimits(config))
    this.#users = options.circuits ? new Shaper() : this.shaper
    this.#guard = new SignInGuard(signInLimits(config))
    this.#devices = { ...deviceLimits(config), now: () => performance.now() }
    this.directory = new Directory({
      store,
      devices: this.#devices,
      shaper: this.#users,
      node: options.circuits ? this.shaper : undefined,
      defaults: options.defaults ?? {},
      guard: this.#guard,
      onError: (error) => {
        if (this.#seldom.due('store.unreadable')) this.log.error({ err: error }, 'store.unreadable')
      },
      onTaken: (taken) => this.log.warn({ ...taken }, 'credential.taken'),
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
      accessLog: this.accessLog,
      handshakeMs: config.handshakeMs,
      idleMs: config.idleMs,
      unauthenticatedPerIp: config.unauthenticatedPerIp,
      unauthenticated: config.unauthenticated,
      onInternal: (error) => this.#reporter.report(error, { code: 'INTERNAL' }),
    })
    this.#balancers = new AddressSet(config.proxyProtocol)
    const { sessions, dial, mayReuse } = this
    const parts = { sessions, dial, mayReuse, balancers: () => this.#balancers }
    this.#listeners = new Listeners({ log: this.log, metrics: this.metrics, parts })
    this.#wayOut = this.#wayOutOf(config)
    this.metrics.sources.upstreams = (): Record<string, number> => this.#wayOut.healthy()
    this.metrics.sources.ledger = (): { pendingBytes: number; lagMs: number } => this.#ledger.pending()
    this.metrics.sources.configAt = (): number => this.#configAt
    this.metrics.sources.users = (): Record<string, number> => userStates(this.directory, Date.now())
    this.#ticking = setInterval(() => this.#tick(), TICK_MS)
  }

  /**
   * Opens a listener whose conns are all led through `handshake`. Closing it leaves them alone.
   * @throws the system's error; ConfigError where TLS files are of no use
   */
  listen(door: string, address: Address, handshake: Handshake, options?: ListenerOptions): Promise<Listener> {
    return this.#listeners.listen(door, address, handshake, options)
  }

  /**
   * Opens a port for datagrams of many clients. On `::` it is open to both families; IPv4 peers have plain IPv4 addresses.
   * Closed at the end, when all sessions are over.
   * @throws the system's error
   */
  datagrams(
    door: string,
    address: Address,
    onDatagram: OnDatagram,
    options?: AnnounceOptions & Pick<OwnParts, 'levels'>,
  ): Promise<DatagramListener> {
    return this.#listeners.datagrams(door, address, onDatagram, options)
  }

  /** Tells of a listener that the door itself opens and closes: no user's dial leads there. */
  announce(door: string, address: Address): void {
    this.#listeners.own.add(address)
    this.log.announce('listening', { door, ...address })
  }

  /** Has the ops endpoint serve more. To be called before `ready`. */
  addRoutes(routes: OpsRoutes): void {
    this.#routes.push(routes)
  }

  /** Opens the ops endpoint, where there is to be one, and tells that all is up. */
  async ready(): Promise<Address | undefined> {
    const { ops } = this.#config
    if (ops !== undefined) {
      this.#ops = await startOps({
        ...ops,
        registry: this.metrics.registry,
        ready: () => (this.#state === true ? (this.#unready ?? true) : this.#state),
        users: () => userReport(this.#about, this.directory),
        routes: this.#routes,
        log: this.log,
      })
      this.announce('ops', this.#ops.address)
    }
    this.#state = true
    this.log.announce('ready')
    return this.#ops?.address
  }

  /** Adds a part that follows its settings while the program runs; `Config` is what the program was started with. */
  onReload<Config extends ProgramConfig>(prepare: Prepare<Config>): void {
    this.#parts.push(prepare as Prepare)
  }

  /** Has something let go of at the beginning of the stop, when nobody comes in any more. */
  onStop(letGo: () => void): void {
    this.#onStop.push(letGo)
  }

  /**
   * Has balancers told, by `/readyz`, that no new client should be sent here.
   * @param why in a few words; undefined: they may be sent here again
   */
  setUnready(why: string | undefined): void {
    this.#unready = why
  }

  /** Takes over what can change while running: all of it or, where a part throws, nothing. */
  async reload(config: ProgramConfig): Promise<void> {
    if (this.#stopping === undefined) await takeOver(this.#parts, config)
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
    this.#listeners.drain()
    for (const letGo of this.#onStop) letGo()
    const grace = setTimeout(() => this.hurry(), this.#config.graceMs)
    await this.sessions.drained()
    clearTimeout(grace)
    clearInterval(this.#ticking)
    this.#listeners.close()
    this.directory.stop()
    for (const shaper of [this.shaper, this.#users]) shaper.close()
    await this.#ledger.stop(LAST_WORDS_MS, sleep)
    for (const last of this.beforeClose) await this.#closed(last())
    await this.#closed(this.store.close())
    await this.#closed(this.#ops?.close())
    await this.#closed(this.#reporter.close(LAST_WORDS_MS))
    await this.accessLog?.close()
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

  #wayOutOf(config: ProgramConfig): WayOut {
    return createWayOut({
      config,
      doors: this.#doors,
      own: (port) => this.#listeners.own.at(port),
      metrics: this.metrics.wayOut,
      log: this.log,
    })
  }

  #prepare(config: ProgramConfig): () => void {
    const wayOut = this.#wayOutOf(config)
    const balancers = new AddressSet(config.proxyProtocol)
    return () => {
      this.#config = config
      this.#configAt = Date.now()
      this.#wayOut = wayOut
      this.#balancers = balancers
      this.#guard.set(signInLimits(config))
      this.sessions.setLimits(config)
      Object.assign(this.#devices, deviceLimits(config))
      this.shaper.set(nodeLimits(config))
      this.sessions.relimit()
      this.log.level = config.logLevel
    }
  }

  #tick(): void {
    void this.#ledger.flush()
    this.#listeners.tls.poll()
    this.sessions.sweep()
  }
}
