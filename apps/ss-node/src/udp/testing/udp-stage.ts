import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { createMetrics, type DoorMetrics } from '@sluice/metrics'
import type { DatagramSocketOptions } from '@sluice/net'
import { ManualClock } from '@sluice/ratelimit'
import { createLog, type Outlet, Seldom, Sessions } from '@sluice/service'
import { type Address, encodeSocksAddress } from '@sluice/wire'
import { openDatagram, SaltFilter, sealDatagram, type SsKey, SsPacketClient } from '@sluice/wire/shadowsocks'
import { FailureGuard } from '../../failure-guard.ts'
import { Keyring } from '../../keyring.ts'
import { SlicedSearch } from '../../sliced-search.ts'
import type { SsUser } from '../../ss-user.ts'
import { Journal } from '../../testing/journal.ts'
import { ssUserOf, type TestUser } from '../../testing/users.ts'
import { EndedWindows } from '../ended-windows.ts'
import { KeySearch } from '../key-search.ts'
import { PortDatagrams } from '../udp-port.ts'
import type { UdpParts, UdpSocket } from '../udp-parts.ts'

/** A datagram, and to or from where. */
export interface Sent extends Address {
  readonly bytes: Uint8Array
}

/** A socket towards targets that the test plays. */
export interface Way {
  readonly sent: Sent[]
  isClosed: boolean
  /** Somebody answers. */
  answer(text: string, from: Address): void
}

export const TARGET: Address = { host: '198.51.100.7', port: 4000 }
export const HERE: Address = { host: '192.0.2.1', port: 5000 }

export interface StageOptions {
  readonly serverKey?: SsKey
  readonly guard?: FailureGuard
}

/** One port with everything around it, and time, in the hands of the test. */
export class UdpStage {
  readonly clock: ManualClock = new ManualClock()
  readonly wall: { now: number } = { now: Date.UTC(2026, 10, 21, 12) }
  readonly journal: Journal = new Journal()
  readonly metrics: DoorMetrics = createMetrics({ app: 'test', version: '0' }).door('ss')
  readonly keyring: Keyring = new Keyring()
  readonly users: SsUser[]
  /** To clients. */
  readonly sent: Sent[] = []
  readonly ways: Way[] = []
  readonly outcomes: string[] = []
  readonly sessions: Sessions
  readonly search: KeySearch
  readonly parts: UdpParts
  readonly socket: UdpSocket
  readonly port: PortDatagrams
  /** Makes the next lookups fail. */
  failure: Error | undefined = undefined

  constructor(users: readonly TestUser[], { serverKey, guard = new FailureGuard() }: StageOptions = {}) {
    const log = createLog({ level: 'info', sink: this.journal })
    this.users = users.map(ssUserOf)
    for (const user of this.users) user.served = true
    this.keyring.set({ users: this.users, serverKey })
    const now = (): number => this.clock.now()
    const seldom = new Seldom(60_000, now)
    this.sessions = new Sessions({
      directory: { touch: () => {}, nodeShare: () => undefined, active: new Set() } as never,
      log,
      handshakeMs: 1,
      idleMs: 1,
      unauthenticatedPerIp: 1,
      onInternal: (error) => {
        throw error
      },
      now,
      wallNow: () => this.wall.now,
    })
    this.search = new KeySearch({ search: new SlicedSearch(), guard, counted: { findTook: () => {} }, now })
    this.parts = {
      settings: { idleMs: 300_000, source: undefined },
      locate: (address) => (this.failure ? Promise.reject(this.failure) : Promise.resolve([address.host])),
      log,
      search: this.search,
      salts: new SaltFilter({ seed: randomBytes(8) }),
      ended: new EndedWindows(now),
      random: randomBytes,
      counted: { refused: (code) => void this.outcomes.push(code) },
      wallNow: () => this.wall.now,
      isDue: (what) => seldom.due(what),
      clock: this.clock,
      bind: (options) => Promise.resolve(this.#way(options)),
    }
    this.socket = {
      maxBytes: 65_507,
      send: (bytes, host, port) => void this.sent.push({ bytes: bytes as Uint8Array, host, port }),
      parts: { door: 'ss', metrics: this.metrics, sessions: this.sessions },
    }
    this.port = new PortDatagrams(this.keyring, this.parts, this.socket)
  }

  /** By reason. */
  get dropped(): Record<string, number> {
    return Object.fromEntries(this.metrics.dropped)
  }

  /** Everything that may grow, and is to be nothing again. */
  get left(): number[] {
    const open = this.ways.filter((way) => !way.isClosed).length
    const held = this.users.map(({ account }) => account.sessions)
    return [
      this.port.size,
      this.port.clients,
      this.search.waiting,
      this.sessions.size,
      open,
      Math.max(0, ...held),
    ]
  }

  /** The payloads that went to targets. */
  get relayed(): string[] {
    return this.ways.flatMap(({ sent }) => sent.map(({ bytes }) => Buffer.from(bytes).toString()))
  }

  /** A datagram comes in, and all that follows at once has happened. */
  async take(bytes: Uint8Array, from: Address = HERE): Promise<void> {
    this.port.onDatagram(bytes, from.host, from.port)
    await settled()
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    this.wall.now += ms
    await settled()
  }

  #way({ onDatagram }: DatagramSocketOptions): Outlet {
    const way: Way = {
      sent: [],
      isClosed: false,
      answer: (text, from) => onDatagram(Buffer.from(text), from.host, from.port),
    }
    this.ways.push(way)
    return {
      maxBytes: 65_507,
      send: (bytes: Uint8Array | readonly Uint8Array[], host: string, port: number) =>
        void way.sent.push({ bytes: bytes as Uint8Array, host, port }),
      close: () => void (way.isClosed = true),
    }
  }
}

export const settled = async (): Promise<void> => {
  for (let turns = 0; turns < 5; turns++) await turn()
}

/** What a client of any method but those of 2022 sends. */
export const salted = (key: SsKey, text: string, target: Address = TARGET): Uint8Array =>
  sealDatagram(key, randomBytes(key.method.saltBytes), encodeSocksAddress(target), Buffer.from(text))

/** What it is answered. */
export const unsalted = (key: SsKey, { bytes }: Sent): { from: Address; text: string } => {
  const { address, payload } = openDatagram(key, bytes)!
  return { from: address, text: Buffer.from(payload).toString() }
}

/** A client of a 2022 method. */
export class PacketClient {
  readonly #client: SsPacketClient
  readonly #wall: { readonly now: number }

  constructor(
    stage: UdpStage,
    key: SsKey,
    serverKeys: readonly SsKey[] = [],
    id: bigint = randomBytes(8).readBigUInt64BE(),
  ) {
    this.#client = new SsPacketClient({ key, serverKeys }, id, randomBytes)
    this.#wall = stage.wall
  }

  /** @param off by how much its clock is ahead, s */
  packet(text: string, target: Address = TARGET, off = 0): Uint8Array {
    return this.#client.seal(encodeSocksAddress(target), Buffer.from(text), this.#seconds + off, 3)
  }

  open({ bytes }: Sent): { from: Address; text: string } {
    const { address, payload } = this.#client.open(bytes, this.#seconds)!
    return { from: address, text: Buffer.from(payload).toString() }
  }

  get #seconds(): number {
    return Math.floor(this.#wall.now / 1000)
  }
}
