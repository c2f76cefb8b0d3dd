import { createMetrics, type DoorMetrics } from '@sluice/metrics'
import { type Conn, type Dial, NetError, type Reader, straight } from '@sluice/net'
import { ManualClock, Shaper, type ShareLimits } from '@sluice/ratelimit'
import { PasswordVerifier, type User } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import type { Account, AccountDefaults } from '../account.ts'
import type { DeviceRules } from '../devices.ts'
import { Directory } from '../directory.ts'
import type { Code, ErrorCode } from '../errors.ts'
import type { CallerDial, Handshake, Request } from '../request.ts'
import { runSession } from '../session.ts'
import { Sessions } from '../sessions.ts'
import type { SignInGuard } from '../sign-in-guard.ts'
import { Journal } from './journal.ts'
import { type Far, memoryConn, type MemoryConn, settled } from './memory-conn.ts'
import { MemoryStore } from './memory-store.ts'

export const TARGET: Address = { host: 'target.example', port: 443 }

/** A request whose words are `yes` and `no CODE`, and which counts how often it was told what. */
export class TestRequest implements Request {
  readonly protocol = 'test'
  readonly account: Account
  readonly target: Address = TARGET
  readonly accepted: Address[] = []
  readonly rejected: ErrorCode[] = []
  dial: CallerDial | undefined = undefined
  ended = 0
  /** Runs in place of the words. */
  onAccept: () => void = () => {}
  onReject: () => Promise<void> = () => Promise.resolve()
  readonly #conn: Conn

  constructor(conn: Conn, account: Account) {
    this.#conn = conn
    this.account = account
  }

  accept({ local }: Pick<Conn, 'local'>): Conn {
    this.accepted.push(local)
    this.onAccept()
    this.#conn.write(Buffer.from('yes\n'))
    return this.#conn
  }

  onSessionOver(): void {
    this.ended += 1
  }

  async reject(code: ErrorCode): Promise<void> {
    this.rejected.push(code)
    await this.onReject()
    this.#conn.write(Buffer.from(`no ${code}\n`))
    this.#conn.end()
  }
}

/** One byte, and the request stands. */
const anyByte = (bytes: Uint8Array): { value: number; size: number } | undefined =>
  bytes[0] === undefined ? undefined : { value: bytes[0], size: 1 }

/** A session that has begun, with everything that a test may want to do to it. */
export class Run {
  readonly conn: MemoryConn
  readonly client: Far
  readonly code: Promise<Code>
  /** Undefined before the handshake came to one. */
  request: TestRequest | undefined = undefined
  /** The dial's, once it was called. */
  signal: AbortSignal | undefined = undefined
  reader: Reader | undefined = undefined
  readonly target: { conn: MemoryConn; far: Far } = memoryConn('203.0.113.7', 443)
  readonly #dialled: PromiseWithResolvers<Conn> = Promise.withResolvers()

  constructor(lab: Lab, host: string, start: RunStart) {
    const { conn, far } = memoryConn(host)
    this.conn = conn
    this.client = far
    this.#dialled.promise.catch(() => {})
    const dial: Dial = (target, signal) => {
      this.signal = signal
      signal.addEventListener('abort', () => start.deaf !== true && this.#dialled.reject(signal.reason))
      return start.dial?.(target, signal) ?? this.#dialled.promise
    }
    this.code = runSession(conn, this.#handshake(lab, start), {
      door: 'test',
      metrics: lab.metrics,
      sessions: lab.sessions,
      dial: async (target, signal) => straight(await dial(target, signal)),
      mayReuse: () => true,
      fields: start.fields,
    })
  }

  /** The target has answered. */
  connected(): void {
    this.#dialled.resolve(this.target.conn)
  }

  refused(error: unknown = new NetError('DIAL_REFUSED', 'refused')): void {
    this.#dialled.reject(error)
  }

  /** Sends the request and lets the dial succeed. */
  async relaying(): Promise<this> {
    this.client.write('?')
    this.connected()
    await settled()
    return this
  }

  /** Both sides end it. */
  async finish(): Promise<Code> {
    this.client.end()
    this.target.far.end()
    return this.code
  }

  #handshake(lab: Lab, start: RunStart): Handshake {
    return async (reader, directory) => {
      this.reader = reader
      await reader.read(anyByte)
      await start.signIn?.(reader)
      this.request = new TestRequest(reader.conn, directory.byId(start.user ?? lab.user)!)
      start.onRequest?.(this.request)
      return this.request
    }
  }
}

export interface RunStart {
  /** Id of who signs in. @default the lab's first user */
  readonly user?: string
  /** What the handshake waits for, or throws, after the request came and before it stands. */
  readonly signIn?: (reader: Reader) => unknown
  readonly onRequest?: (request: TestRequest) => void
  readonly dial?: Dial
  /** Of its listener. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** The dial does not hear its signal. */
  readonly deaf?: boolean
}

export interface LabOptions {
  readonly node?: ShareLimits
  readonly defaults?: AccountDefaults
  readonly devices?: Partial<DeviceRules>
  readonly handshakeMs?: number
  readonly idleMs?: number
  readonly unauthenticatedPerIp?: number
  readonly unauthenticated?: number
  readonly verifier?: PasswordVerifier
  readonly guard?: SignInGuard
  /** What the store has booked before, by user id. */
  readonly used?: Readonly<Record<string, number>>
}

/** The spine with everything around it in memory, and time in the test's hands. */
export class Lab {
  readonly store: MemoryStore
  readonly clock: ManualClock = new ManualClock()
  readonly wall: { now: number } = { now: Date.UTC(2026, 10, 21, 12) }
  readonly journal: Journal = new Journal()
  readonly internal: unknown[] = []
  readonly unreadable: unknown[] = []
  readonly metrics: DoorMetrics = createMetrics({ app: 'test', version: '0' }).door('test')
  readonly shaper: Shaper
  readonly directory: Directory
  readonly sessions: Sessions
  readonly devices: DeviceRules
  readonly user: string

  static async open(users: readonly User[], options: LabOptions = {}): Promise<Lab> {
    const lab = new Lab(users, options)
    await lab.directory.start()
    return lab
  }

  private constructor(users: readonly User[], options: LabOptions) {
    const { handshakeMs = 10_000, idleMs = 3_600_000, unauthenticatedPerIp = 1024 } = options
    this.store = new MemoryStore(...users)
    for (const [id, bytes] of Object.entries(options.used ?? {})) this.store.booked.set(id, bytes)
    this.user = users[0]?.id ?? ''
    this.shaper = new Shaper(options.node ?? {}, this.clock)
    this.devices = { bytes: 0, ttlMs: 0, now: () => this.clock.now(), ...options.devices }
    this.directory = new Directory({
      store: this.store,
      shaper: this.shaper,
      defaults: options.defaults ?? {},
      devices: this.devices,
      verifier: options.verifier ?? new PasswordVerifier({ cost: 1 }),
      ...(options.guard && { guard: options.guard }),
      now: () => this.wall.now,
      onError: (error) => this.unreadable.push(error),
    })
    this.sessions = new Sessions({
      directory: this.directory,
      log: this.journal.log,
      handshakeMs,
      idleMs,
      unauthenticatedPerIp,
      unauthenticated: options.unauthenticated,
      onInternal: (error) => this.internal.push(error),
      now: () => this.clock.now(),
      wallNow: () => this.wall.now,
    })
  }

  account(id: string = this.user): Account {
    const account = this.directory.byId(id)
    if (account === undefined) throw new Error(`no user ${id}`)
    return account
  }

  run(start: RunStart = {}, host = '192.0.2.1'): Run {
    return new Run(this, host, start)
  }

  /** A session that has come as far as the relay. */
  relaying(start: RunStart = {}, host = '192.0.2.1'): Promise<Run> {
    return this.run(start, host).relaying()
  }

  /** Lets time pass, on the clock that shapes and on the wall. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    this.wall.now += ms
    await settled()
  }
}
