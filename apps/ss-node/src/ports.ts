import { errnoOf } from '@sluice/net'
import type { Directory, Log } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { Keyring } from './keyring.ts'
import { type Plan, planPorts, type PlanSettings, type PortPlan } from './plan.ts'
import { Roster } from './roster.ts'
import { SHARED_PORT, type SsUser } from './ss-user.ts'
import { TimeSlices } from './time-slices.ts'
import type { Unserved } from './unserved.ts'
import { UnservedReport } from './unserved-report.ts'

/** What listens on one port. */
export interface OpenPort {
  readonly address: Address
  /** Accepts no more; who is in stays. */
  close(): void
}

export interface PortsOptions {
  readonly directory: Pick<Directory, 'accounts' | 'watch'>
  readonly log: Pick<Log, 'warn'>
  readonly settings: PlanSettings
  /**
   * Opens whatever is to listen on a port.
   * @param user to whom it belongs alone
   * @throws the system's error
   */
  readonly open: (port: number, keyring: Keyring, user: string | undefined) => Promise<OpenPort>
  /** All that the directory said is so now. */
  readonly onFollowed?: () => void
  /** @default 5 s */
  readonly retryMs?: number
}

interface Port {
  readonly keyring: Keyring
  /** undefined: it could not be opened. */
  listener: OpenPort | undefined
  errno: string | undefined
}

const RETRY_MS = 5000
/** Word of thousands of users comes in pages: who waits for the last does the work once. */
const QUIET_MS = 20
const MOST_DELAY_MS = 250

/**
 * The ports of all users: opened, closed and given their keys as the directory changes, touching nobody else's. Disposed of,
 * it follows no more; what is open stays.
 */
export class Ports implements Disposable {
  readonly report: UnservedReport
  readonly #options: PortsOptions
  readonly #roster = new Roster()
  readonly #ports = new Map<number, Port>()
  readonly #watch: Disposable
  #settings: PlanSettings
  #isStale = false
  #isClosed = false
  #working: Promise<void> | undefined = undefined
  #retrying: NodeJS.Timeout | undefined = undefined
  #waiting: NodeJS.Timeout | undefined = undefined
  /** By when the work is to begin, however many changes follow. */
  #deadline = Infinity

  constructor(options: PortsOptions) {
    this.#options = options
    this.#settings = options.settings
    this.report = new UnservedReport(options.log)
    this.#watch = options.directory.watch(() => this.#refreshSoon())
  }

  /** By port; the shared one under 0, whatever port it got. */
  get open(): ReadonlyMap<number, OpenPort> {
    const open = new Map<number, OpenPort>()
    for (const [port, { listener }] of this.#ports) if (listener !== undefined) open.set(port, listener)
    return open
  }

  states(): Record<'open' | 'unavailable', number> {
    const open = this.open.size
    return { open, unavailable: this.#ports.size - open }
  }

  /** Everybody who is served. */
  get users(): readonly SsUser[] {
    return [...this.#ports.values()].flatMap(({ keyring }) => keyring.users)
  }

  keyring(port: number): Keyring | undefined {
    return this.#ports.get(port)?.keyring
  }

  set(settings: PlanSettings): void {
    this.#settings = settings
    void this.refresh()
  }

  /** Resolves when what the directory says now is so. */
  refresh(): Promise<void> {
    clearTimeout(this.#waiting)
    this.#deadline = Infinity
    this.#isStale = true
    this.#working ??= this.#work()
    return this.#working
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#watch[Symbol.dispose]()
    clearTimeout(this.#retrying)
    clearTimeout(this.#waiting)
  }

  #refreshSoon(): void {
    clearTimeout(this.#waiting)
    const now = performance.now()
    this.#deadline = Math.min(this.#deadline, now + MOST_DELAY_MS)
    const delay = Math.max(0, Math.min(QUIET_MS, this.#deadline - now))
    this.#waiting = setTimeout(() => void this.refresh(), delay).unref()
  }

  async #work(): Promise<void> {
    try {
      while (this.#isStale && !this.#isClosed) {
        this.#isStale = false
        await this.#follow()
      }
    } finally {
      this.#working = undefined
    }
  }

  async #follow(): Promise<void> {
    // All that cannot be had is tried now.
    clearTimeout(this.#retrying)
    const slices = new TimeSlices()
    // Not on the stack of whoever tells of a change, who had work of their own with it.
    await slices.pause()
    const { users, unserved, retired } = await this.#roster.read(this.#options.directory.accounts(), slices)
    for (const user of retired) {
      user.retired = true
      user.account.cut('CREDENTIAL_CHANGED', user)
    }
    await slices.pause()
    const plan = await planPorts(users, this.#settings, slices)
    await slices.breathe()
    const chosen = new Set([...plan.ports.values()].flatMap((port) => port.users))
    await slices.breathe()
    for (const user of users) {
      const isServed = chosen.has(user)
      if (user.served && !isServed) user.account.cut('CREDENTIAL_CHANGED', user)
      user.served = isServed
      if (slices.isOver) await slices.pause()
    }
    await slices.breathe()
    await makeKeys(plan, slices)
    await slices.breathe()
    for (const port of [...this.#ports.keys()]) if (!isWanted(port, plan)) this.#close(port)
    const unavailable: Unserved[] = []
    for (const [port, { users: those, serverKey }] of plan.ports) {
      await slices.breathe()
      if (this.#isClosed) return
      const errno = await this.#serve(port, { users: those, serverKey })
      if (errno !== undefined) unavailable.push(...those.map((user) => unavailableTo(user.name, port, errno)))
    }
    this.report.now([...unserved, ...plan.unserved, ...unavailable])
    this.#options.onFollowed?.()
    this.#retryLater()
  }

  /** @returns why the port cannot be opened */
  async #serve(number: number, plan: PortPlan): Promise<string | undefined> {
    const port = this.#ports.get(number) ?? { keyring: new Keyring(), listener: undefined, errno: undefined }
    this.#ports.set(number, port)
    port.keyring.set(plan)
    if (port.listener === undefined) await this.#open(number, port)
    return port.errno
  }

  async #open(number: number, port: Port): Promise<void> {
    try {
      const listener = await this.#options.open(number, port.keyring, port.keyring.owner?.name)
      port.errno = undefined
      if (this.#isClosed) listener.close()
      else port.listener = listener
    } catch (error) {
      const errno = errnoOf(error)
      if (port.errno !== errno) this.#options.log.warn({ port: number, errno }, 'port.unavailable')
      port.errno = errno
    }
  }

  #close(number: number): void {
    this.#ports.get(number)?.listener?.close()
    this.#ports.delete(number)
  }

  #retryLater(): void {
    if (this.#isClosed || ![...this.#ports.values()].some(({ listener }) => listener === undefined)) return
    this.#retrying = setTimeout(() => void this.refresh(), this.#options.retryMs ?? RETRY_MS).unref()
  }
}

const isWanted = (port: number, plan: Plan): boolean => plan.ports.has(port)

/** Thousands of keys take tens of ms. */
const makeKeys = async ({ ports }: Plan, slices: TimeSlices): Promise<void> => {
  for (const { users, serverKey } of ports.values()) {
    for (const user of users) {
      void (serverKey === undefined ? user.key : user.hash)
      if (slices.isOver) await slices.pause()
    }
  }
}

const unavailableTo = (name: string, port: number, errno: string): Unserved => ({
  name,
  port: port === SHARED_PORT ? undefined : port,
  reason: 'PORT_UNAVAILABLE',
  detail: errno,
})
