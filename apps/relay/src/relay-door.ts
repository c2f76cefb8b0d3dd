import { randomBytes } from 'node:crypto'
import type { Reader } from '@sluice/net'
import { systemClock } from '@sluice/ratelimit'
import { circuitLanes, type Directory, type Handshake, type Program } from '@sluice/service'
import { formatRelayUrl, type RelayAddress } from '@sluice/wire/relay'
import { DoorAdmission } from './admission.ts'
import { Bans } from './bans.ts'
import type { Channel } from './channel.ts'
import type { Circuit } from './circuit.ts'
import { CircuitDesk } from './circuit-desk.ts'
import type { CircuitEnd, CircuitLanes, FarEnd } from './circuit-run.ts'
import { CircuitShares } from './circuit-shares.ts'
import type { RelayConfig } from './config.ts'
import type { ControlConn } from './control-conn.ts'
import { ControlDesk } from './control-desk.ts'
import { createHandshake } from './handshake.ts'
import type { Identity } from './identity.ts'
import { KnownKeys } from './known-keys.ts'
import { type RelayLimits, termsOf } from './limits.ts'
import { limitsOf } from './limits-config.ts'
import type { Terms } from './login.ts'
import type { Presence } from './presence.ts'
import { PresenceClaims } from './presence-claims.ts'
import { RelayJournal } from './relay-journal.ts'
import { RelayMetrics } from './relay-metrics.ts'
import type { RelayPeer } from './relay-peer.ts'
import { RelayState } from './relay-state.ts'

export interface RelayDoorOptions {
  readonly program: Pick<Program, 'directory' | 'metrics' | 'log'>
  readonly config: RelayConfig
  readonly identity: Identity
  /** Whether those who are nobody's user come in. */
  readonly isOpen: () => boolean
  /** Where peers can reach the relay. */
  readonly addresses: () => readonly RelayAddress[]
  readonly presence?: Presence | undefined
}

const MAX_U16 = 0xffff
const seconds = (ms: number): number => Math.min(Math.ceil(ms / 1000), MAX_U16)
const now = (): number => performance.now()

/** The first is the best. */
const urlOf = ([first]: readonly RelayAddress[]): string => (first === undefined ? '' : formatRelayUrl(first))

/** What the listeners of one relay share: who is here, and what goes on. */
export class RelayDoor {
  readonly identity: Identity
  readonly bans: Bans = new Bans()
  readonly state: RelayState<ControlConn, FarEnd>
  readonly controls: ControlDesk
  readonly circuits: CircuitDesk
  limits: RelayLimits
  #config: RelayConfig
  readonly #directory: Directory
  readonly #shares: CircuitShares
  readonly #claims: PresenceClaims | undefined
  readonly #admission: DoorAdmission
  readonly #keys = new KnownKeys()

  constructor({ program, config, identity, isOpen, addresses, presence }: RelayDoorOptions) {
    const { directory, metrics, log } = program
    this.identity = identity
    this.#directory = directory
    this.#config = config
    const limits = (this.limits = limitsOf(config))
    this.#shares = new CircuitShares(limits)
    const counted = new RelayMetrics(metrics, {
      reservations: () => this.state.reservations.size,
      controls: () => this.controls.all.size,
      open: () => this.state.circuits.size - this.state.circuits.pending,
      pending: () => this.state.circuits.pending,
      bans: () => this.bans.list().length,
    })
    const journal = new RelayJournal(log, counted)
    this.#claims = presence && new PresenceClaims({ presence, url: () => urlOf(addresses()), log })
    this.state = new RelayState({
      ...{ limits, clock: systemClock, wallNow: Date.now, random: randomBytes, self: identity.id },
      onReservation: (event, reservation) => {
        journal.reservation(event, reservation)
        this.#claims?.follow(event, reservation)
      },
      onCircuit: (event, circuit) => journal.circuit(event, circuit),
    })
    const { state } = this
    const isOut = (peer: RelayPeer): boolean => this.bans.isOut(peer)
    this.controls = new ControlDesk({
      ...{ identity, state, limits, now, addresses, isOut },
      patience: config,
      onReserve: (status, refusal) => counted.reserved(status, refusal),
    })
    this.circuits = new CircuitDesk({
      ...{ circuits: state.circuits, now, isOut },
      elsewhere: (peer) => this.#claims?.elsewhere(peer),
      lanes: (circuit, near, far) => this.#lanes(circuit, near, far),
      idleMs: () => this.limits.idleMs,
      hidePresence: () => this.#config.hidePresence,
      onAnswer: (status, ms, refusal) => counted.connected(status, ms, refusal),
      onEnd: (run, ms) => journal.ended(run, ms),
    })
    this.#admission = new DoorAdmission({ directory, bans: this.bans, isOpen })
  }

  /** For what comes after: nobody loses what they have. */
  set(config: RelayConfig): void {
    this.#config = config
    this.limits = limitsOf(config)
    this.state.set(this.limits)
    this.#shares.set(this.limits)
    this.controls.limits = this.limits
    this.controls.patience = config
  }

  /** For the conns of one listener. */
  handshake(open: (reader: Reader) => Channel | Promise<Channel>): Handshake {
    const { identity, controls, circuits } = this
    return createHandshake({
      ...{ identity, controls, circuits, open },
      admission: this.#admission,
      keys: this.#keys,
      terms: () => this.#terms(),
    })
  }

  /** No more of anything, or again; what runs goes on. */
  drain(isDraining = true): void {
    this.state.drain(isDraining)
  }

  /** When all is over. */
  stop(): void {
    this.#shares.stop()
    this.#claims?.stop()
  }

  #terms(): Terms {
    const { idleMs, pingMs } = this.#config
    const circuits = Math.min(this.limits.circuitsPerPeer, MAX_U16)
    return { ...termsOf(this.limits), pingInterval: seconds(pingMs), idleTimeout: seconds(idleMs), circuits }
  }

  #lanes({ key, terms }: Circuit<FarEnd>, near: CircuitEnd, far: CircuitEnd): CircuitLanes & Disposable {
    // The node once, as the source's user has it.
    const node = this.#directory.nodeShare(near.session.account)
    const own = this.#shares.open(key, terms.rate)
    const lanes = circuitLanes(near.session, far.session, node === undefined ? [own] : [node, own])
    const close = (): void => {
      lanes.up.close()
      lanes.down.close()
      this.#shares.close(key)
    }
    return { ...lanes, [Symbol.dispose]: close }
  }
}
