import { randomBytes } from 'node:crypto'
import type { Reader } from '@sluice/net'
import { systemClock } from '@sluice/ratelimit'
import type { Handshake, Program } from '@sluice/service'
import type { Address } from '@sluice/wire'
import { DoorAdmission } from './admission.ts'
import { Bans } from './bans.ts'
import type { Channel } from './channel.ts'
import { CircuitDesk } from './circuit-desk.ts'
import type { CircuitEnd, CircuitLanes, FarEnd } from './circuit-run.ts'
import type { RelayConfig } from './config.ts'
import type { ControlConn } from './control-conn.ts'
import { ControlDesk } from './control-desk.ts'
import { createHandshake } from './handshake.ts'
import type { Identity } from './identity.ts'
import { type RelayLimits, termsOf } from './limits.ts'
import { limitsOf } from './limits-config.ts'
import type { Terms } from './login.ts'
import { RelayState } from './relay-state.ts'

const MAX_U16 = 0xffff
const seconds = (ms: number): number => Math.min(Math.ceil(ms / 1000), MAX_U16)

/** What the listeners of one relay share. */
export class RelayDoor {
  readonly identity: Identity
  readonly bans: Bans = new Bans()
  readonly state: RelayState<ControlConn, FarEnd>
  readonly controls: ControlDesk
  readonly circuits: CircuitDesk
  limits: RelayLimits
  #config: RelayConfig
  readonly #admission: DoorAdmission

  constructor(program: Program, config: RelayConfig, identity: Identity, isOpen: () => boolean) {
    this.identity = identity
    this.limits = limitsOf(config)
    this.#config = config
    const now = (): number => performance.now()
    const { limits } = this
    this.state = new RelayState({
      limits,
      clock: systemClock,
      wallNow: Date.now,
      random: randomBytes,
      self: identity.id,
    })
    const patience = patienceOf(config)
    this.controls = new ControlDesk({
      identity,
      state: this.state,
      limits,
      patience,
      addresses: () => [],
      now,
    })
    this.circuits = new CircuitDesk({
      circuits: this.state.circuits,
      lanes: lanesOf,
      idleMs: () => this.limits.idleMs,
      hidePresence: () => this.#config.hidePresence,
      now,
    })
    this.#admission = new DoorAdmission({ directory: program.directory, bans: this.bans, isOpen })
  }

  /** For what comes after: nobody loses what they have. */
  set(config: RelayConfig): void {
    this.#config = config
    this.limits = limitsOf(config)
    this.state.set(this.limits)
    this.controls.limits = this.limits
    this.controls.patience = patienceOf(config)
  }

  handshake(open: (reader: Reader) => Channel | Promise<Channel>): Handshake {
    const { identity, controls, circuits } = this
    return createHandshake({
      identity,
      controls,
      circuits,
      open,
      admission: this.#admission,
      terms: () => this.#terms(),
    })
  }

  #terms(): Terms {
    const { idleMs, pingMs } = this.#config
    return {
      ...termsOf(this.limits),
      pingInterval: seconds(pingMs),
      idleTimeout: seconds(idleMs),
      circuits: Math.min(this.limits.circuitsPerPeer, MAX_U16),
    }
  }
}

const patienceOf = ({ pingMs, idleMs }: RelayConfig): { pingMs: number; idleMs: number } => ({
  pingMs,
  idleMs,
})

const lanesOf = (_circuit: unknown, near: CircuitEnd): CircuitLanes & Disposable => ({
  ...near.session.lanes,
  [Symbol.dispose]: () => {},
})

export const plainChannel = (reader: Reader): Channel => ({
  reader,
  conn: reader.conn,
  client: reader.client,
  transport: 'tcp',
  binding: undefined,
  clientKey: undefined,
})

export interface OpenListener {
  readonly door: string
  readonly address: Address
}
