import { ServiceError } from '@sluice/service'
import {
  encodeVoucher,
  formatCircuitAddress,
  MAX_ADDRESSES,
  type RelayAddress,
  type RelayFrame,
  RELAY_STATUS,
  type RelayStatus,
  voucherProof,
} from '@sluice/wire/relay'
import type { FarEnd } from './circuit-run.ts'
import type { ControlConn } from './control-conn.ts'
import type { Identity } from './identity.ts'
import { type RelayLimits, termsOf } from './limits.ts'
import type { RelayPeer } from './relay-peer.ts'
import { RelayRefusal } from './relay-refusal.ts'
import type { RelayState } from './relay-state.ts'
import type { Reservation } from './reservations.ts'
import { Sweeper } from './sweeper.ts'
import { mayAskTtl } from './who.ts'

/** How long nothing need be heard of a peer, ms; 0: for ever. */
export interface Patience {
  /** Then it is asked whether it is there. */
  readonly pingMs: number
  /** Then it is taken to be gone. */
  readonly idleMs: number
}

/** Where those who are sent away may go, and when. */
export interface WayBack {
  readonly reconnectAfterMs: number
  /** 0: they should not. */
  readonly tryForMs: number
  /** A relay URL, '' for this relay. */
  readonly address: string
}

export interface ControlDeskOptions {
  readonly identity: Identity
  readonly state: RelayState<ControlConn, FarEnd>
  readonly limits: RelayLimits
  readonly patience: Patience
  /** Where peers can reach the relay. */
  readonly addresses: () => readonly RelayAddress[]
  /** Whether a peer is banned, even if it came in before. */
  readonly isOut?: (peer: RelayPeer) => boolean
  /** Told of what a request for a reservation came to. */
  readonly onReserve?: (status: RelayStatus, refusal: RelayRefusal | undefined) => void
  /** Monotonic, ms. */
  readonly now: () => number
}

const OK = RELAY_STATUS.OK
/** Peers of a relay that stops are not all to come back at the same moment; when they do is theirs to spread. */
const COME_BACK: WayBack = { reconnectAfterMs: 1000, tryForMs: 120_000, address: '' }
const STAY_AWAY: WayBack = { reconnectAfterMs: 0, tryForMs: 0, address: '' }

/** Answers all control conns: what they ask for, whether they are still there, and where to go from here. */
export class ControlDesk {
  patience: Patience
  limits: RelayLimits
  /** Where peers should go when they are sent away; '' for nowhere else. */
  elsewhere = ''
  readonly now: () => number
  readonly #options: ControlDeskOptions
  readonly all: Sweeper<ControlConn>

  constructor(options: ControlDeskOptions) {
    this.#options = options
    this.patience = options.patience
    this.limits = options.limits
    this.now = options.now
    this.all = new Sweeper(options.now)
  }

  enter(control: ControlConn): void {
    this.all.add(control)
  }

  leave(control: ControlConn): void {
    this.all.delete(control)
    this.#options.state.leave(control)
  }

  wayBack(status: RelayStatus): WayBack {
    if (status === RELAY_STATUS.SHUTTING_DOWN) return { ...COME_BACK, address: this.elsewhere }
    return status === RELAY_STATUS.IDLE_TIMEOUT ? COME_BACK : STAY_AWAY
  }

  /** What a peer has sent. */
  take(control: ControlConn, frame: RelayFrame): void {
    const { type } = frame
    const { reservations, circuits } = this.#options.state
    if (type === 'ping') control.send({ type: 'pong', opaque: frame.opaque })
    else if (type === 'reserve') this.#reserve(control, frame.ttl)
    else if (type === 'release') reservations.release(control)
    else if (type === 'reject') circuits.reject(control.peer, frame.circuitId, frame.reason)
    else if (type === 'connect') control.send(UNEXPECTED)
    else if (type !== 'pong') {
      control.fail(new ServiceError('MESSAGE_UNEXPECTED', `${type} on a control connection`))
    }
  }

  #reserve(control: ControlConn, ttl: number): void {
    if (this.#options.isOut?.(control.peer)) return control.dismiss(RELAY_STATUS.PERMISSION_DENIED)
    if (ttl !== 0 && !mayAskTtl(control.peer)) {
      this.#refuse(control, RELAY_STATUS.MALFORMED_MESSAGE)
      return control.fail(new ServiceError('HANDSHAKE_INVALID', 'a reserved field that is not 0'))
    }
    try {
      this.#grant(control, this.#options.state.reservations.reserve(control, ttl * 1000))
    } catch (error) {
      if (!(error instanceof RelayRefusal)) throw error
      this.#refuse(control, error.status, error)
    }
  }

  #grant(control: ControlConn, reservation: Reservation<ControlConn>): void {
    const addresses = this.#addresses(control.peer)
    const response: RelayFrame = { type: 'reserveResponse', status: OK, addresses }
    // A voucher costs a signature.
    if (control.peer.isSeed) control.send(response)
    else control.send(response, this.#reservationFrame(reservation))
    this.#options.onReserve?.(OK, undefined)
  }

  #refuse(control: ControlConn, status: RelayStatus, refusal?: RelayRefusal): void {
    const response: RelayFrame = { type: 'reserveResponse', status, addresses: [] }
    const text = refusal?.reason ?? ''
    if (text === '') control.send(response)
    else control.send(response, { type: 'notice', status, text })
    this.#options.onReserve?.(status, refusal)
  }

  #addresses({ nodeId: peer }: RelayPeer): readonly string[] {
    const relay = this.#options.identity.nodeId
    const addresses = this.#options.addresses().slice(0, MAX_ADDRESSES)
    return addresses.map((address) => formatCircuitAddress({ ...address, relay, peer }))
  }

  #reservationFrame({ control, expiresAt, ttlMs }: Reservation<ControlConn>): RelayFrame {
    const expire = Math.floor(expiresAt / 1000)
    const slots = Math.min(this.limits.circuitsPerPeer, 0xffff)
    const ttl = Math.floor(ttlMs / 1000)
    return {
      type: 'reservation',
      expire,
      ttl,
      slots,
      ...termsOf(this.limits),
      voucher: this.#voucher(control, expire),
    }
  }

  #voucher(control: ControlConn, expire: number): Uint8Array {
    const { identity } = this.#options
    const voucher = { relay: identity.nodeId, peer: control.peer.nodeId, expire }
    return encodeVoucher({ ...voucher, signature: identity.sign(voucherProof(voucher)) })
  }
}

const UNEXPECTED: RelayFrame = {
  type: 'connectRefused',
  status: RELAY_STATUS.UNEXPECTED_MESSAGE,
  retryAfter: 0,
  reason: 'a circuit needs a connection of its own',
  address: '',
}
